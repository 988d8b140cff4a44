import { access } from 'node:fs/promises'
import { keystorePath } from '../home/homeFolder.js'
import { openKeystore } from '../home/keystore.js'
import { holdPassword, readPassword } from '../home/password.js'
import { openChain } from '../home/settings.js'
import { knownNetworks, readNetwork, settingsOfNetwork } from '../program/network.js'
import { UserError } from '../program/userError.js'
import { type Known, takeSetting } from './known.js'
import type { Question } from './question.js'

/** In place of a network's name where node and contracts are given themselves. */
const asGiven = 'as given with --rpc and --deployment'

/** Which chain; opened at once, so that what is said about it later can be checked. */
const network: Question<Known> = {
  flag: 'network',
  value: 'NAME',
  ask: 'Network',
  given: (known) => known.given.network ?? (known.own.rpc || known.own.deployment ? asGiven : undefined),
  choices: async () =>
    knownNetworks().map(({ name, title, chainId }) => ({
      ...{ value: name, label: title, hint: `chain ${chainId}` },
    })),
  async take(answer, known) {
    if (answer !== asGiven) {
      const named = readNetwork(answer)
      const { deployment, rpc } = settingsOfNetwork(named)
      if (!known.own.deployment) known.given.deployment = `${deployment}`
      if (!known.own.rpc && rpc !== undefined) known.given.rpc = [rpc].flat().join(',')
      known.hubs = named.hubs
      takeSetting(known, 'network', answer)
    }
    known.chain?.close()
    known.chain = await openChain(known.given)
  },
}

const key: Question<Known> = {
  flag: 'import-mnemonic-file',
  value: 'FILE',
  ask: 'Key',
  isNeeded: ({ hasKey }) => !hasKey,
  isClosed: true,
  usual: () => 'new',
  given: ({ given }) =>
    given.importMnemonicFile !== undefined ? 'words' : given.importKeyFile !== undefined ? 'key' : undefined,
  choices: async () => [
    { value: 'new', label: 'Make a new one' },
    { value: 'words', label: 'I have the words of a backup', hint: 'in a file' },
    { value: 'key', label: 'I have a private key', hint: 'in a file' },
  ],
  take(answer, known) {
    known.keyFrom = answer as Known['keyFrom']
  },
}

const keyFile: Question<Known> = {
  flag: 'import-mnemonic-file',
  value: 'FILE',
  ask: 'File with the words, or the key',
  isNeeded: ({ hasKey, keyFrom }) => !hasKey && keyFrom !== 'new',
  given: ({ given }) => given.importMnemonicFile ?? given.importKeyFile,
  async take(answer, known) {
    await access(answer).catch((cause) => {
      throw new UserError(`${answer} cannot be read. Give the path of a file.`, { cause })
    })
    known.given[known.keyFrom === 'words' ? 'importMnemonicFile' : 'importKeyFile'] = answer
  },
}

const credential = 'of the service'

/** The password is held for this run: nobody is asked for it again. */
const password: Question<Known> = {
  flag: 'password-file',
  value: 'FILE',
  ask: 'Password of the key, which encrypts it on this disk',
  isSecret: true,
  given: ({ given }) =>
    given.passwordFile ?? (process.env.CREDENTIALS_DIRECTORY === undefined ? undefined : credential),
  async take(answer, known) {
    const { passwordFile } = known.given
    const isTyped = answer !== passwordFile && answer !== credential
    const word = isTyped ? answer : await readPassword(passwordFile, '')
    if (known.hasKey) await openKeystore(keystorePath(known.home), word)
    if (isTyped) holdPassword(word)
    known.password = word
  },
}

const passwordAgain: Question<Known> = {
  flag: 'password-file',
  value: 'FILE',
  ask: 'The same again',
  isSecret: true,
  isNeeded: ({ hasKey, isAtTerminal, given }) => isAtTerminal && !hasKey && given.passwordFile === undefined,
  given: () => undefined,
  take(answer, known) {
    if (answer === known.password) return
    // Nobody sees which of the two was mistyped: the newest counts, once it was typed twice.
    holdPassword(answer)
    known.password = answer
    throw new UserError('That differs from the one before. Type it once more.')
  },
}

/** At a terminal the words are shown; elsewhere somebody has to say where they go. */
const backup: Question<Known> = {
  flag: 'backup-file',
  value: 'FILE, or --no-backup',
  ask: 'Where the words of the new key go',
  isNeeded: ({ hasKey, keyFrom, isAtTerminal }) => !hasKey && keyFrom === 'new' && !isAtTerminal,
  given: ({ given }) => given.backupFile ?? (given.backup ? undefined : 'nowhere'),
  take: () => undefined,
}

/** What every wizard asks first. */
export const commonQuestions = [network, key, keyFile, password, passwordAgain, backup] as const
