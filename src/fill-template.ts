/** What stands in the places of a template, by their names. */
export type TemplateValues = Readonly<Record<string, string | readonly string[] | undefined>>

/**
 * Fills the places `__name__` of a template. A line with a list is written once for each of its values, and a line with
 * an undefined value not at all. A place may have a comma behind it so that the template itself is valid code; where the
 * two are alone on their line the comma goes.
 */
export function fillTemplate(text: string, values: TemplateValues): string {
  return text
    .split('\n')
    .flatMap((line) => fillLine(line, values))
    .join('\n')
}

/** The lines that come of one line of a template. */
export function fillLine(line: string, values: TemplateValues): string[] {
  // Split before anything is filled in, so that no value is taken for a template. Every other part is a name.
  const parts = line.replace(/^(\s*__\w+?__),$/, '$1').split(/__(\w+?)__/)
  let lines = ['']
  for (const [index, part] of parts.entries()) {
    const filling = index % 2 === 0 ? [part] : [fillingOf(part, values) ?? []].flat()
    lines = lines.flatMap((begun) => filling.map((value) => `${begun}${value}`))
  }
  return lines
}

function fillingOf(name: string, values: TemplateValues): string | readonly string[] | undefined {
  if (!Object.hasOwn(values, name)) throw new Error(`a template has the place "${name}", and there is no value for it`)
  return values[name]
}
