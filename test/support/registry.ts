import { createHash } from 'node:crypto'
import { readFileSync } from 'node:fs'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { join } from 'node:path'
import { onTestFinished } from 'vitest'
import { packed } from './plugin-package.ts'

/** A registry of packages on loopback, as npm speaks to it. */
export class Registry {
  readonly url: string
  readonly asked: string[] = []
  private readonly packages = new Map<string, Record<string, object>>()
  private readonly tarballs = new Map<string, Buffer>()

  private constructor(url: string) {
    this.url = url
  }

  static async start(): Promise<Registry> {
    const server = createServer((request, response) => {
      const path = decodeURIComponent(request.url!.slice(1))
      registry.asked.push(path)
      const tarball = registry.tarballs.get(path)
      if (tarball) return void response.end(tarball)
      const versions = registry.packages.get(path)
      if (!versions) return void response.writeHead(404, { 'content-type': 'application/json' }).end('{}')
      const latest = Object.keys(versions).at(-1)
      response.setHeader('content-type', 'application/json')
      response.end(JSON.stringify({ name: path, 'dist-tags': { latest }, versions }))
    })
    await new Promise<void>((resolve) => void server.listen(0, '127.0.0.1', resolve))
    onTestFinished(() => {
      server.closeAllConnections()
      server.close()
    })
    const registry = new Registry(`http://127.0.0.1:${(server.address() as AddressInfo).port}`)
    return registry
  }

  /** The package in a folder becomes the latest version of its name. */
  async publish(root: string): Promise<void> {
    const manifest = JSON.parse(readFileSync(join(root, 'package.json'), 'utf8'))
    const bytes = readFileSync(await packed(root))
    const path = `${manifest.name}/-/${manifest.version}.tgz`
    this.tarballs.set(path, bytes)
    const integrity = `sha512-${createHash('sha512').update(bytes).digest('base64')}`
    const versions = this.packages.get(manifest.name) ?? {}
    versions[manifest.version] = { ...manifest, dist: { tarball: `${this.url}/${path}`, integrity } }
    this.packages.set(manifest.name, versions)
  }
}
