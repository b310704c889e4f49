/** How many equal lines are shown around a change. */
const CONTEXT = 2

type Line = readonly [sign: ' ' | '-' | '+', text: string]

/** What has to change in a text, line by line, as `diff -u` shows it without its head. Empty for equal texts. */
export function unifiedDiff(before: string, after: string): string[] {
  const lines = editScript(before.trimEnd().split('\n'), after.trimEnd().split('\n'))
  const near = lines.map((_, index) =>
    lines.slice(Math.max(0, index - CONTEXT), index + CONTEXT + 1).some(([sign]) => sign !== ' '),
  )
  return lines.flatMap(([sign, text], index) => {
    if (near[index]) return [`${sign}${text}`]
    return near[index - 1] ? ['…'] : []
  })
}

/** By the longest common subsequence: units are short, so its table is small. */
function editScript(before: readonly string[], after: readonly string[]): Line[] {
  const common = Array.from({ length: before.length + 1 }, () => new Array<number>(after.length + 1).fill(0))
  for (let old = before.length - 1; old >= 0; old -= 1) {
    for (let now = after.length - 1; now >= 0; now -= 1) {
      common[old]![now] =
        before[old] === after[now]
          ? common[old + 1]![now + 1]! + 1
          : Math.max(common[old + 1]![now]!, common[old]![now + 1]!)
    }
  }
  const lines: Line[] = []
  let [old, now] = [0, 0]
  while (old < before.length || now < after.length) {
    if (old < before.length && now < after.length && before[old] === after[now]) {
      lines.push([' ', before[old]!])
      old += 1
      now += 1
    } else if (old < before.length && (now === after.length || common[old + 1]![now]! >= common[old]![now + 1]!)) {
      lines.push(['-', before[old]!])
      old += 1
    } else {
      lines.push(['+', after[now]!])
      now += 1
    }
  }
  return lines
}
