const widest = 110

/** A value as TypeScript is written by hand: on one line where there is room for it. */
export function renderValue(value: unknown, indent: string): string {
  const line = oneLine(value)
  if (indent.length + line.length <= widest || typeof value !== 'object' || value === null) return line
  const inside = `${indent}  `
  const items = Array.isArray(value)
    ? value.map((item) => `${inside}${renderValue(item, inside)},`)
    : Object.entries(value).map(([key, item]) => `${inside}${renderKey(key)}: ${renderValue(item, inside)},`)
  const [open, close] = Array.isArray(value) ? '[]' : '{}'
  return [open, ...items, `${indent}${close}`].join('\n')
}

export function renderKey(key: string): string {
  return /^[A-Za-z_$][\w$]*$/.test(key) ? key : renderText(key)
}

function oneLine(value: unknown): string {
  if (typeof value === 'string') return renderText(value)
  if (Array.isArray(value)) return `[${value.map(oneLine).join(', ')}]`
  if (typeof value !== 'object' || value === null) return String(value)
  const items = Object.entries(value).map(([key, item]) => `${renderKey(key)}: ${oneLine(item)}`)
  return items.length === 0 ? '{}' : `{ ${items.join(', ')} }`
}

function renderText(text: string): string {
  const escaped = JSON.stringify(text).slice(1, -1).replaceAll('\\"', '"')
  return text.includes("'") && !text.includes('"') ? `"${escaped}"` : `'${escaped.replaceAll("'", "\\'")}'`
}
