import { sqlite } from '../support/test-database.ts'
import { failpointProofs } from './failpoints.ts'

// Of the two, the one for which more happens. The slow tests have the other, and PostgreSQL.
failpointProofs(sqlite, ['sync'])
