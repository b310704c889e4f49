import { postgres } from '../support/postgres-fixture.ts'
import { sqlite } from '../support/test-database.ts'
import { failpointProofs } from './failpoints.ts'

failpointProofs(sqlite)
failpointProofs(postgres)
