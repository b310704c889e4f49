import { styleText } from 'node:util'

export type Style = Parameters<typeof styleText>[0]

/** Where text is shown. */
export interface Screen {
  /** Undefined where lines may be of any length: in a pipe or a file. */
  readonly width: number | undefined
  readonly isColoured: boolean
}

/** Whether long forms would leave no room for what matters. */
export function isNarrow({ width }: Screen): boolean {
  return width !== undefined && width < 100
}

export function screenOf(out: NodeJS.WriteStream, env: NodeJS.ProcessEnv): Screen {
  // Some terminals, such as those of containers, have no width.
  const width = out.isTTY && out.columns > 0 ? out.columns : undefined
  return { width, isColoured: colourDepth(out, env) > 1 }
}

/** How many colours a stream shows, as the exponent of two that `getColorDepth` returns; 1 is none. */
export function colourDepth(out: NodeJS.WriteStream, env: NodeJS.ProcessEnv): number {
  if (env.NO_COLOR !== undefined && env.NO_COLOR !== '') return 1
  return out.isTTY ? out.getColorDepth(env) : env.FORCE_COLOR !== undefined && env.FORCE_COLOR !== '0' ? 4 : 1
}

export function styled(text: string, style: Style | undefined, { isColoured }: Pick<Screen, 'isColoured'>): string {
  // styleText checks the streams by itself, but whether to use colours is decided already.
  return isColoured && style !== undefined && text !== '' ? styleText(style, text, { validateStream: false }) : text
}
