import { CommandFailed } from '../kernel/command.js'
import { UserError } from '../program/userError.js'

/** Why a command failed, for a program. */
export interface Failure {
  /** What kind of failure: docs/json.md lists them. */
  readonly code: string
  /** What was seen, and what was expected. */
  readonly message: string
  /** What to do; null where there is nothing to say. */
  readonly cure: string | null
}

/**
 * Tells message and cure of a failure apart: sentences of ours end with what to do.
 *
 * @param said - The whole text that a person is shown.
 */
export function failureOf(code: string, said: string): Failure {
  const [first = '', ...lines] = said.split('\n')
  const sentences = first.trim().split(/(?<=[.?!])\s+(?=["\u201cA-Z-])/)
  if (sentences.length < 2 || lines.length > 0) return { code, message: said.trim(), cure: null }
  return { code, message: sentences.slice(0, -1).join(' '), cure: sentences.at(-1) ?? null }
}

/** The kind of a failure: what whoever threw it says, or what kind of error it is. */
export function codeOf(error: Error): string {
  for (let each: unknown = error; each instanceof Error; each = each.cause)
    if (each instanceof UserError && each.code !== undefined) return each.code
  const refusal = error.cause as { code?: unknown } | undefined
  if (error instanceof UserError && isCode(refusal?.code)) return refusal.code
  if (error instanceof UserError) return 'refused'
  if (error instanceof RangeError) return 'invalid-value'
  if (error instanceof CommandFailed) return 'command-failed'
  return (error as NodeJS.ErrnoException).syscall === undefined ? 'fault' : 'system'
}

/** Codes of ours, and those of docs/errors.md, are words with dashes. */
const isCode = (code: unknown): code is string => typeof code === 'string' && /^[a-z]+(-[a-z]+)*$/.test(code)
