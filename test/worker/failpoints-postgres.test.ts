import { postgres } from '../support/test-database.ts'
import { failpointProofs } from './failpoints.ts'

failpointProofs(postgres)
