/** The wanted names and all that they depend on, each behind its dependencies; the order given is kept where it can be. */
export function dependencyOrder(
  wanted: readonly string[],
  dependenciesOf: (name: string) => readonly string[],
): string[] {
  const ordered = new Set<string>()
  const visit = (name: string): void => {
    if (ordered.has(name)) return
    for (const dependency of dependenciesOf(name)) visit(dependency)
    ordered.add(name)
  }
  for (const name of wanted) visit(name)
  return [...ordered]
}

/** Who has to be gone before a service is stopped: by its name, the names of those that depend on it. */
export function dependents(
  services: readonly { readonly name: string; readonly dependsOn: readonly { readonly name: string }[] }[],
): ReadonlyMap<string, readonly string[]> {
  return new Map(
    services.map(({ name }) => [
      name,
      services
        .filter(({ dependsOn }) => dependsOn.some((dependency) => dependency.name === name))
        .map((one) => one.name),
    ]),
  )
}
