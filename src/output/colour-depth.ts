/** How many colours a stream shows, as the exponent of two that `getColorDepth` speaks of; 1 is none. */
export function colourDepth(out: NodeJS.WriteStream, env: NodeJS.ProcessEnv): number {
  if (env.NO_COLOR !== undefined && env.NO_COLOR !== '') return 1
  return out.isTTY ? out.getColorDepth(env) : env.FORCE_COLOR !== undefined && env.FORCE_COLOR !== '0' ? 4 : 1
}
