/** Which variables of an environment file differ. Never their values: a plan is shown, logged and sent around. */
export function environmentDiff(before: string, after: string): string[] {
  const [old, now] = [variables(before), variables(after)]
  const names = [...new Set([...old.keys(), ...now.keys()])]
  return names.flatMap((name) => {
    if (!now.has(name)) return [`-${name}`]
    if (!old.has(name)) return [`+${name}`]
    return old.get(name) === now.get(name) ? [] : [`~${name} has another value`]
  })
}

/** A value can have line breaks, within its quotes; it ends at a quote that no backslash escapes. */
function variables(text: string): Map<string, string> {
  return new Map([...text.matchAll(/^(\w+)="((?:[^"\\]|\\[\s\S])*)"$/gm)].map(([, name, value]) => [name!, value!]))
}
