#!/usr/bin/env node
// Written in the syntax of an old Node, and nothing is imported before this check: better-sqlite3 ends the process
// silently where Node-API 10 is missing, and type stripping is on by default from 22.18.
const [major, minor] = process.versions.node.split('.').map(Number)
if (major < 22 || (major === 22 && minor < 18)) {
  console.error(`Error: ops needs Node 22.18 or newer; this is ${process.version} (${process.execPath}).`)
  process.exit(1)
}
const { start } = await import('./start.js')
await start(process.argv.slice(2))
