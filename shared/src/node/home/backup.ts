import { randomInt } from 'node:crypto'
import { open } from 'node:fs/promises'
import { createInterface } from 'node:readline/promises'
import { UserError } from '../program/userError.js'

/** Words that are asked for again. */
const asked = 2
const attempts = 3

/**
 * Sees to it that the words of a new key are kept: in a file, or written down by whoever sits at the terminal.
 *
 * @returns Whether they are; without a file and without a terminal nobody has them.
 * @throws UserError when the file cannot be written, or the words were not given back.
 */
export async function backUp(
  words: string,
  options: { backupFile: string | undefined; backup: boolean; isTerminal: boolean },
): Promise<boolean> {
  if (options.backupFile !== undefined) {
    await writeNewFile(options.backupFile, `${words}\n`)
    return true
  }
  if (!options.backup || !options.isTerminal) return false
  const reader = createInterface({ input: process.stdin, output: process.stderr })
  try {
    await confirmWords(words, {
      say: (text) => void process.stderr.write(text),
      ask: (question) => reader.question(question),
      choose: (below) => randomInt(below),
    })
    return true
  } finally {
    reader.close()
  }
}

/**
 * Shows the words once, has some of them typed back, and takes them off the screen.
 *
 * @throws UserError when they were typed wrongly too often.
 */
export async function confirmWords(
  words: string,
  terminal: {
    say: (text: string) => void
    ask: (question: string) => Promise<string>
    /** A random number from 0 up to, and not, `below`. */
    choose: (below: number) => number
  },
): Promise<void> {
  const { say, ask, choose } = terminal
  const list = words.split(' ')
  const shown = [
    'Write these words down, in this order. They are shown only once.',
    'Whoever has them has the key; without them and the keystore, all is lost.',
    '',
    ...Array.from({ length: Math.ceil(list.length / 4) }, (_row, row) =>
      list
        .slice(row * 4, row * 4 + 4)
        .map((word, column) => `${String(row * 4 + column + 1).padStart(4)} ${word.padEnd(10)}`)
        .join('')
        .trimEnd(),
    ),
    '',
  ]
  say(`${shown.join('\n')}\n`)
  await ask('Press Enter when you have them. ')
  // Up over the words and that line, and clear: they are to be on paper, not on the screen.
  say(`\u001b[${shown.length + 1}A\u001b[J`)
  for (let question = 0; question < asked; question++) {
    const position = choose(list.length)
    for (let attempt = 1; ; attempt++) {
      const typed = (await ask(`Word ${position + 1}: `)).trim().toLowerCase()
      if (typed === list[position]) break
      if (attempt === attempts)
        throw new UserError(
          'That is not the word. Nothing was created; run init again, and write the words down.',
        )
      say(`That is not word ${position + 1}. Look again at what you wrote down.\n`)
    }
  }
}

/** A backup is never written over something else. */
async function writeNewFile(path: string, text: string): Promise<void> {
  const file = await open(path, 'wx', 0o600).catch((cause: NodeJS.ErrnoException) => {
    const reason = cause.code === 'EEXIST' ? 'it already exists' : cause.message
    throw new UserError(`The backup ${path} cannot be written: ${reason}. Choose another --backup-file.`, {
      cause,
    })
  })
  try {
    await file.writeFile(text)
    await file.sync()
  } finally {
    await file.close()
  }
}
