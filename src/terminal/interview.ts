import { confirm, input, select } from '@inquirer/prompts'
import { ListrInquirerPromptAdapter } from '@listr2/prompt-adapter-inquirer'
import { Listr } from 'listr2'

/** What a person is asked. */
export type Question =
  | {
      readonly kind: 'text'
      readonly message: string
      readonly default?: string
      /** What is wrong with an answer. */
      readonly check: (answer: string) => string | undefined
    }
  | { readonly kind: 'choice'; readonly message: string; readonly choices: readonly string[] }
  | { readonly kind: 'yes or no'; readonly message: string }

/** Answers by the names of the questions: yes and no are those words. */
export type Answers = Readonly<Record<string, string>>

/** A question that may depend on the answers so far; undefined where it need not be asked. */
export type Ask = (answers: Answers) => Question | undefined

/**
 * Asks one question after the other, and shows the answers as a list.
 *
 * @returns undefined when the person broke off
 */
export async function interview(questions: Readonly<Record<string, Ask>>): Promise<Answers | undefined> {
  const answers: Record<string, string> = {}
  const list = new Listr(
    Object.entries(questions).map(([name, ask]) => ({
      title: name,
      enabled: () => ask(answers) !== undefined,
      task: async (_, row) => {
        const question = ask(answers)!
        row.title = question.message
        answers[name] = await answerTo(question, row.prompt(ListrInquirerPromptAdapter))
        row.title = `${question.message}: ${answers[name]}`
      },
    })),
    { registerSignalListeners: false, rendererOptions: { collapseErrors: true, showErrorMessage: false } },
  )
  try {
    await list.run()
    return answers
  } catch (error) {
    if ((error as Error).name === 'ExitPromptError') return undefined
    throw error
  }
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
