/** A file that is to be written. */
export interface PlannedFile {
  /** Relative to the plugin. */
  readonly path: string
  readonly text: string
}
