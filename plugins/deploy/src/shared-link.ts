/** A link in a release to what all releases share. */
export interface SharedLink {
  /** Without the slash at its end. */
  readonly path: string
  /** What the link says: relative, so that the root can be moved. */
  readonly text: string
  readonly isFolder: boolean
}

/** @param written as in the settings: `uploads/` is a folder, `.env` may be anything that is there */
export function sharedLink(written: string): SharedLink {
  const path = written.replace(/\/$/, '')
  // From the folder of the link up to the release, to `releases`, to the root.
  const up = '../'.repeat(path.split('/').length + 1)
  return { path, text: `${up}shared/${path}`, isFolder: written !== path }
}
