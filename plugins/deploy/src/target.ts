import { ProgramError, TargetError } from './errors.ts'
import { parseReleases, type Releases } from './releases.ts'
import * as scripts from './scripts.ts'
import { sharedLink } from './shared-link.ts'
import type { ScriptOptions, Shell } from './shell.ts'

/**
 * The root of an environment, on this machine or behind ssh. Every change is whole or not made, and none is made for a
 * run that a later one has followed.
 */
export class Target {
  readonly root: string
  readonly #shell: Shell
  readonly #runId: string

  /** @param runId the fence: it never gets smaller */
  constructor(shell: Shell, root: string, runId: string) {
    this.#shell = shell
    this.root = root
    this.#runId = runId
  }

  /** As people write it: `/srv/shop`, `deploy@server:/srv/shop`. */
  get name(): string {
    return this.#shell.host === undefined ? this.root : `${this.#shell.host}:${this.root}`
  }

  /** What is there. An environment that does not exist yet has no releases. */
  async list(): Promise<Releases> {
    return parseReleases(await this.#script(scripts.listScript, [], { isAsked: true }))
  }

  /** Takes the environment for this run, and clears away what killed runs have left. */
  async begin(): Promise<Releases> {
    return parseReleases(await this.#script(scripts.beginScript, [], { isAsked: true }))
  }

  /** Brings an artifact and unpacks it as a release that is not complete yet. */
  async unpack(number: number, { file, sha256 }: { file: string; sha256: string }): Promise<void> {
    const there = await this.#shell.bring(file, `${this.root}/releases/${number}.partial.tar.gz`)
    await this.#script(scripts.unpackScript, [String(number), there, sha256, there === file ? 'no' : 'yes'])
  }

  async link(number: number, paths: readonly string[]): Promise<void> {
    const args = paths.map(sharedLink).flatMap(({ path, text, isFolder }) => [path, text, isFolder ? 'yes' : 'no'])
    if (args.length > 0) await this.#script(scripts.linkScript, [String(number), ...args])
  }

  /**
   * Runs a command of the settings.
   *
   * @param release its number, with `.partial` as long as it is not complete
   * @throws ProgramError
   */
  async command(release: string, command: string, env: Readonly<Record<string, string>>): Promise<void> {
    await this.#script(scripts.commandScript, [`releases/${release}`, command], { env })
  }

  async complete(number: number, about: object): Promise<void> {
    await this.#script(scripts.completeScript, [String(number), JSON.stringify(about)])
  }

  /** Switches `current`, at once for whoever looks; undefined removes it. */
  async switch(number: number | undefined): Promise<void> {
    await this.#script(scripts.switchScript, [number === undefined ? '' : String(number)])
  }

  async markSucceeded(number: number, at: Date): Promise<void> {
    await this.#script(scripts.markScript, [String(number), 'succeeded', at.toISOString()])
  }

  async markWithdrawn(number: number, why: string): Promise<void> {
    await this.#script(scripts.markScript, [String(number), 'withdrawn', why.replaceAll(/\s+/g, ' ').slice(0, 500)])
  }

  /** @param names numbers, or `8.partial` for what was not completed */
  async remove(names: readonly (number | string)[]): Promise<void> {
    if (names.length > 0) await this.#script(scripts.removeScript, names.map(String))
  }

  async #script(script: string, args: readonly string[], options: ScriptOptions = {}): Promise<string> {
    try {
      return await this.#shell.run(script, [this.root, this.#runId, ...args], options)
    } catch (error) {
      if (!(error instanceof ProgramError) || script === scripts.commandScript) throw error
      if (error.exitCode === scripts.saidWhy)
        throw new TargetError(error.lines.at(-1) ?? 'a script failed without a word', { isRefusal: true })
      const complaints = error.lines.length > 0 ? error.lines.join(' | ') : error.message
      throw new TargetError(`${this.name} cannot be changed: ${complaints}`)
    }
  }
}
