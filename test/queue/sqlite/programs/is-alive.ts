/** `is-alive.ts <file> <worker>`: prints whether a worker lives. */

import { Lives } from '../../../../src/queue/sqlite/life.ts'

const [file, id] = process.argv.slice(2)
console.log(String(new Lives(file!).isAlive(id!)))
