import { confirm, input, select } from '@inquirer/prompts'
import { ListrInquirerPromptAdapter } from '@listr2/prompt-adapter-inquirer'
import { Listr } from 'listr2'

const DEFAULT_SIZE = { columns: 80, rows: 24 }

/** A question to the user. */
export type Question = {
  /** Shown before the answer afterwards. */
  readonly title: string
  readonly message: string
} & (TextQuestion | { readonly kind: 'choice'; readonly choices: readonly string[] } | { readonly kind: 'yes or no' })

interface TextQuestion {
  readonly kind: 'text'
  readonly default?: string
  /** Returns what is wrong with an answer. */
  readonly check: (answer: string) => string | undefined
}

/** Answers by the names of the questions; "yes" or "no" to those of that kind. */
export type Answers = Readonly<Record<string, string>>

/** A question that may depend on the answers so far; undefined where it is skipped. */
export type Ask = (answers: Answers) => Question | undefined

/**
 * Asks one question after the other, and shows the answers as a list.
 *
 * @returns undefined where the user canceled
 */
export async function interview(questions: Readonly<Record<string, Ask>>): Promise<Answers | undefined> {
  // Some terminals, such as those of containers, have no size, and the list would have no room.
  if (!(process.stdout.columns > 0)) Object.assign(process.stdout, DEFAULT_SIZE)
  const answers: Record<string, string> = {}
  try {
    for (const [name, ask] of Object.entries(questions)) {
      const question = ask(answers)
      if (question) answers[name] = await askOne(question)
    }
    return answers
  } catch (error) {
    if ((error as Error).name === 'ExitPromptError') return undefined
    throw error
  }
}

async function askOne(question: Question): Promise<string> {
  const { title } = question
  let answer = ''
  // One list for each question: a list fixes its rows when it starts.
  const list = new Listr(
    {
      title,
      task: async (_, row) => {
        answer = await answerTo(question, row.prompt(ListrInquirerPromptAdapter))
        row.title = `${title}: ${answer}`
      },
    },
    {
      registerSignalListeners: false, // Nothing runs while a question is open.
      rendererOptions: { lazy: true, showErrorMessage: false },
    },
  )
  await list.run()
  return answer
}

async function answerTo(question: Question, prompt: ListrInquirerPromptAdapter): Promise<string> {
  const { message } = question
  switch (question.kind) {
    case 'text': {
      const { default: given, check } = question
      const validate = (answer: string) => check(answer.trim()) ?? true
      return (await prompt.run(input, { message, validate, ...(given === undefined ? {} : { default: given }) })).trim()
    }
    case 'choice':
      return prompt.run(select<string>, { message, choices: [...question.choices] })
    case 'yes or no':
      return (await prompt.run(confirm, { message, default: true })) ? 'yes' : 'no'
  }
}
