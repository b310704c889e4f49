import { userInfo } from 'node:os'

/** Who runs a command, for the audit trail: `ada (ops cancel)`. */
export function actor(command: string): string {
  return `${userName()} (ops ${command})`
}

function userName(): string {
  try {
    return userInfo().username
  } catch {
    // In a container the user may be a number without a name.
    return `user ${process.getuid?.() ?? '?'}`
  }
}
