/** Counts the calls of these methods from now on; `stop` puts the methods back and returns the count. */
export function countCalls(prototype: object, methods: readonly string[]): () => number {
  const target = prototype as Record<string, (...args: unknown[]) => unknown>
  const own = methods.map((name) => [name, target[name]!] as const)
  let count = 0
  for (const [name, method] of own) {
    target[name] = function (this: unknown, ...args) {
      count += 1
      return method.apply(this, args)
    }
  }
  return () => {
    for (const [name, method] of own) target[name] = method
    return count
  }
}
