import { sqlite } from '../support/test-database.ts'
import { failpointProofs } from './failpoints.ts'

failpointProofs(sqlite)
