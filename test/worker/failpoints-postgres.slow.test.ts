import { postgres } from '../support/postgres-fixture.ts'
import { failpointProofs } from './failpoints.ts'

failpointProofs(postgres)
