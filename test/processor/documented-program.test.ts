import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, it } from 'vitest'
import { connect, postgresMissing, postgresUrl } from '../support/postgres-fixture.ts'
import { TestProject } from '../support/test-project.ts'
import { missingProgram, unless } from '../support/unless.ts'

const guide = readFileSync(join(import.meta.dirname, '../../plugins/README.md'), 'utf8')
const section = /\n## In other languages\n(.*?)\n## /s.exec(guide)![1]!

/** The example of a language in the section, which is fenced. */
function example(language: string, first = ''): string {
  return new RegExp(`\`\`\`${language}\n${first}(.*?)\`\`\``, 's').exec(section)![1]!
}

function write(project: TestProject): void {
  const of = (path: string) => `ops-plugin-words/${path}`
  project.write(of('package.json'), example('json'))
  project.write(of('words.py'), example('python'))
  for (const dialect of ['sqlite', 'postgres']) {
    const path = `migrations/${dialect}/0000_word_counts.sql`
    project.write(of(path), example('sql', `-- ${path}\n`))
  }
  project.write('book.txt', 'one two three\nvier\n')
}

describe('the example of a program in plugins/README.md', unless(missingProgram('python3')), () => {
  it('runs as it stands there', async () => {
    const project = TestProject.withConfig()
    write(project)
    expect(await project.ops('plugins:link', './ops-plugin-words', '--migrate')).toMatchObject({
      exitCode: 0,
      stderr: '',
    })
    await project.ops('enqueue', 'words', '--file', project.path('book.txt'))
    await project.ops('worker', '--drain')
    expect(project.rows('select status, error, words, progress from word_counts')).toEqual([
      { status: 'succeeded', error: null, words: 4, progress: 1 },
    ])
    const missing = project.path('missing.txt')
    await project.ops('enqueue', 'words', '--file', missing)
    await project.ops('worker', '--drain')
    expect(project.value('select error from word_counts where id = 2')).toBe(
      `FileNotFoundError: [Errno 2] No such file or directory: '${missing}'`,
    )
  })

  it('runs on PostgreSQL too', unless(postgresMissing), async () => {
    const project = TestProject.withConfig()
    const url = await postgresUrl()
    project.env.OPS_DATABASE_URL = url
    write(project)
    expect(await project.ops('plugins:link', './ops-plugin-words', '--migrate')).toMatchObject({
      exitCode: 0,
      stderr: '',
    })
    await project.ops('enqueue', 'words', '--file', project.path('book.txt'))
    await project.ops('worker', '--drain')
    const database = await connect(url)
    const { rows } = await database.query('select status, error, words::int from word_counts')
    expect(rows).toEqual([{ status: 'succeeded', error: null, words: 4 }])
  })
})
