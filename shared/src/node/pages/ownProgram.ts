import { type ChildProcess, spawn } from 'node:child_process'
import { decodeObject } from '../../wire.js'
import { UserError } from '../program/userError.js'

/** A command of this program, without `--json`, and what it is to read on standard input. */
export interface Words {
  readonly words: readonly string[]
  readonly input?: string
}

/**
 * Runs commands of this same program, and gives the JSON objects that they print: what a page shows and does is what a
 * person would have been told. The object has `error` where the command failed.
 */
export interface OwnProgram {
  /**
   * Runs a command that changes nothing. Whoever asks the same meanwhile is given the same answer, and few run at a time:
   * whoever may look can keep the machine busy with no more than that.
   *
   * @throws UserError where the program ended without a word, or hung.
   */
  read(words: readonly string[]): Promise<object>
  /** Runs a command that does something. @throws UserError as `read`, and where too much is being done already. */
  act(words: Words): Promise<object>
  /** Ends what reads; what does something is left to finish. */
  close(): void
}

interface Limits {
  readonly reads: number
  readonly acts: number
  /** How long a command may take, in milliseconds: transactions wait for their blocks. */
  readonly readWithinMs: number
  readonly actWithinMs: number
}

const usual: Limits = { reads: 3, acts: 4, readWithinMs: 120_000, actWithinMs: 1_800_000 }
/** Longest object that a command prints to a page. */
const maxOutputBytes = 16_000_000
/** How long a command may take to end once it was told to. */
const endWithinMs = 5_000

/**
 * @param variables - More variables for the commands: their settings.
 * @param program - The script that is run.
 */
export function createOwnProgram(
  variables: NodeJS.ProcessEnv,
  limits = usual,
  program = process.argv[1] ?? '',
): OwnProgram {
  const underWay = new Map<string, Promise<object>>()
  const reading = new Set<ChildProcess>()
  const waiting: (() => void)[] = []
  let reads = 0
  let acts = 0
  const start = ({ words, input }: Words): ChildProcess => {
    const child = spawn(process.execPath, [...process.execArgv, program, ...words, '--json'], {
      stdio: [input === undefined ? 'ignore' : 'pipe', 'pipe', 'ignore'],
      env: { ...process.env, ...variables },
    })
    child.stdin?.on('error', () => undefined).end(input)
    return child
  }
  const readInTurn = async (words: readonly string[]): Promise<object> => {
    if (reads >= limits.reads) await new Promise<void>((resolve) => waiting.push(resolve))
    else reads++
    const child = start({ words })
    reading.add(child)
    try {
      return await objectOf(child, words, limits.readWithinMs)
    } finally {
      reading.delete(child)
      // Its place goes to the next, or is free.
      const next = waiting.shift()
      if (next) next()
      else reads--
    }
  }
  return {
    read(words) {
      const name = words.join(' ')
      const begun = underWay.get(name)
      if (begun) return begun
      const answer = readInTurn(words).finally(() => {
        if (underWay.get(name) === answer) underWay.delete(name)
      })
      underWay.set(name, answer)
      return answer
    },
    async act(command) {
      if (acts >= limits.acts)
        throw new UserError(`${acts} things are being done already. Wait until one of them is done.`)
      acts++
      try {
        return await objectOf(start(command), command.words, limits.actWithinMs)
      } finally {
        acts--
        // What was being read may be older than this.
        underWay.clear()
      }
    },
    close() {
      waiting.length = 0
      for (const child of reading) child.kill('SIGKILL')
    },
  }
}

/** What a command prints last. */
async function objectOf(child: ChildProcess, words: readonly string[], withinMs: number): Promise<object> {
  const { stdout } = child
  if (stdout === null) throw new Error('A command of a page has no output.')
  let isLate = false
  const late = setTimeout(() => {
    isLate = true
    child.kill('SIGTERM')
    setTimeout(() => {
      child.kill('SIGKILL')
      // A program that it left behind may hold on to it.
      stdout.destroy()
    }, endWithinMs).unref()
  }, withinMs)
  const ended = new Promise<number | string>((resolve, reject) => {
    child.on('error', reject)
    child.on('exit', (code, signal) => resolve(code ?? signal ?? 'a signal'))
  })
  let text = ''
  stdout.setEncoding('utf8')
  try {
    stdout.on('data', (chunk: string) => {
      text += chunk
      if (text.length > maxOutputBytes) child.kill('SIGKILL')
    })
    const closed = new Promise<void>((resolve) => stdout.once('close', resolve))
    const end = await ended
    await closed
    const printed = decodeObject(text.trimEnd().split('\n').at(-1) ?? '')
    if (printed !== undefined) return printed
    throw new UserError(
      isLate
        ? `"${words.join(' ')}" was not done within ${withinMs / 1_000} s, and was ended. Try again.`
        : `"${words.join(' ')}" ended with ${end} and printed no JSON object.`,
    )
  } finally {
    clearTimeout(late)
  }
}
