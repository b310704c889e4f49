import { styleText } from 'node:util'
import { colourDepth } from './colour-depth.ts'

export type Style = Parameters<typeof styleText>[0]

/** Where text is shown. */
export interface Screen {
  /** Undefined where lines may be of any length: in a pipe, a file. */
  readonly width: number | undefined
  readonly isColoured: boolean
}

/** Where long forms would leave no room for what matters. */
export function isNarrow({ width }: Screen): boolean {
  return width !== undefined && width < 100
}

export function screenOf(out: NodeJS.WriteStream, env: NodeJS.ProcessEnv): Screen {
  // Some terminals, such as those of containers, have no width.
  const width = out.isTTY && out.columns > 0 ? out.columns : undefined
  return { width, isColoured: colourDepth(out, env) > 1 }
}

export function styled(text: string, style: Style | undefined, { isColoured }: Pick<Screen, 'isColoured'>): string {
  // styleText looks at the streams by itself; whether colours are wanted has been decided already.
  return isColoured && style !== undefined && text !== '' ? styleText(style, text, { validateStream: false }) : text
}
