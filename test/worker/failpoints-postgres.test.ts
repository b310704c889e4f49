import { postgres } from '../support/postgres-fixture.ts'
import { failpointProofs } from './failpoints.ts'

// Of the two, the one for which more happens.
failpointProofs(postgres, ['sync'])
