import type { ComparedField } from '../doctor/service-parity.ts'
import { isNarrow, type Screen } from './screen.ts'
import { Table, type TableColumn } from './table.ts'

const columns: readonly TableColumn[] = [
  { title: 'field', style: () => 'bold' },
  { title: 'used by', isOptional: true, isFlexible: true, isWrapped: true, style: () => 'cyan' },
  { title: 'in development', isFlexible: true, isWrapped: true },
  { title: 'by systemd', isFlexible: true, isWrapped: true },
]

/** The fields of a service, one a line, and how each side honours them. */
export function parityTable(fields: readonly ComparedField[], screen: Screen): string {
  const hasNames = !isNarrow(screen)
  const rows = fields.map(({ field, services, development, systemd }) => {
    const [mark, names] = hasNames || services.length === 0 ? ['', services.join(', ')] : [' *', '']
    return [`${field}${mark}`, names, development, systemd]
  })
  const isMarked = !hasNames && fields.some(({ services }) => services.length > 0)
  return `${new Table(columns, screen).render(rows)}${isMarked ? '\n\n* used by this project' : ''}`
}
