import * as Flags from '@oclif/core/flags'
import { OpsCommand } from '../command-line/ops-command.ts'

export default class Audit extends OpsCommand {
  static override summary = 'Show what happened, the newest last.'

  static override description =
    'Each insert of a task and each change of its status is there, whoever made it, and what people asked for.'

  static override examples = [
    '<%= config.bin %> <%= command.id %>',
    '<%= config.bin %> <%= command.id %> --task "build 42"',
    '<%= config.bin %> <%= command.id %> --table builds --follow',
  ]

  static override flags = {
    table: Flags.string({ summary: 'only the tasks of this processor, or of its table', helpValue: '<name>' }),
    task: Flags.string({ summary: 'only this task', helpValue: '"build 42"', exclusive: ['table'] }),
    limit: Flags.integer({ summary: 'at most so many, the newest', default: 50, min: 1 }),
    follow: Flags.boolean({ char: 'f', summary: 'go on with what happens from now on' }),
  }

  async run(): Promise<unknown> {
    const { flags } = await this.parse(Audit)
    const [{ auditSubject, followAudit, readAudit }, { AuditTable }, { readTaskName }] = await Promise.all([
      import('../tasks/read-audit.ts'),
      import('../output/audit-table.ts'),
      import('../command-line/read-task-name.ts'),
    ])
    const project = await this.openProject(flags.config)
    const task = flags.task === undefined ? undefined : readTaskName(flags.task)
    const filter = { ...(await auditSubject(project, { table: flags.table, task })), limit: flags.limit }
    const table = new AuditTable(this.screen)
    if (!flags.follow) {
      const entries = await readAudit(project, filter)
      this.log(entries.length > 0 ? table.render(entries, new Date()) : 'Nothing has happened yet.')
      return { entries }
    }
    for await (const entries of followAudit(project, filter)) {
      const lines = this.jsonEnabled()
        ? entries.map((entry) => JSON.stringify(entry)).join('\n')
        : table.render(entries, new Date())
      process.stdout.write(`${lines}\n`)
    }
    return undefined
  }
}
