import * as Flags from '@oclif/core/flags'
import { OpsCommand } from '../command-line/ops-command.ts'
import { terminalJson } from '../format.ts'
import { redactText, redactValue } from '../redact.ts'

export default class Audit extends OpsCommand {
  static override summary = 'Show the audit trail, the newest entries last.'

  static override description =
    'It records each new task, each change of status by any client, and each request to cancel or retry.'

  static override examples = [
    '<%= config.bin %> <%= command.id %>',
    '<%= config.bin %> <%= command.id %> --task "build 42"',
    '<%= config.bin %> <%= command.id %> --table builds --follow',
  ]

  static override flags = {
    table: Flags.string({ summary: 'show only tasks of this processor or table', helpValue: '<name>' }),
    task: Flags.string({ summary: 'show only this task', helpValue: '"build 42"', exclusive: ['table'] }),
    limit: Flags.integer({ summary: 'show at most this many', helpValue: '<n>', default: 50, min: 1 }),
    follow: Flags.boolean({ char: 'f', summary: 'print new entries as they come' }),
  }

  async run(): Promise<unknown> {
    const { flags } = await this.parse(Audit)
    const [{ auditFilter, followAudit, readAudit }, { AuditTable }, { parseTaskName }] = await Promise.all([
      import('../tasks/read-audit.ts'),
      import('../output/audit-table.ts'),
      import('../command-line/parse-task-filter.ts'),
    ])
    const project = await this.openProject(flags.config)
    const task = flags.task === undefined ? undefined : parseTaskName(flags.task)
    const filter = { ...(await auditFilter(project, { table: flags.table, task })), limit: flags.limit }
    const table = new AuditTable(this.screen)
    if (!flags.follow) {
      const entries = await readAudit(project, filter)
      this.log(entries.length > 0 ? table.render(entries, new Date()) : 'No entries yet.')
      return { entries }
    }
    for await (const entries of followAudit(project, filter)) {
      const lines = this.jsonEnabled()
        ? entries.map((entry) => terminalJson(JSON.stringify(redactValue(entry)))).join('\n')
        : redactText(table.render(entries, new Date()))
      process.stdout.write(`${lines}\n`)
    }
    return undefined
  }
}
