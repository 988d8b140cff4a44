import { getAddress } from 'ethers'
import { backUp } from '../home/backup.js'
import { keystorePath, makeHome } from '../home/homeFolder.js'
import { rememberSettings } from '../home/rememberSettings.js'
import { wholeNumber } from '../home/settings.js'
import { configurationPath, readConfiguration } from '../program/configuration.js'
import type { Flag } from '../program/settingKinds.js'
import { awaitFunds, type Funds, fundsOf, isEnough, missingFunds } from './funds.js'
import { addressOf, chainOf, type Known } from './known.js'
import { demandServiceHome, hasService, isServing, type Service, startService } from './service.js'
import type { Step } from './steps.js'

/** Makes the home: key and configuration. */
export const keyStep = (settings: Readonly<Record<string, Flag>>): Step<Known> => ({
  name: 'key',
  async there(known) {
    if (!known.hasKey) return undefined
    return `The key of ${getAddress(addressOf(known))} is in ${keystorePath(known.home)}.`
  },
  async act(known) {
    const { program, home, given, isAtTerminal } = known
    const { passwordFile, importKeyFile, importMnemonicFile, backupFile } = given
    const made = await makeHome({
      ...{ program, home, passwordFile, importKeyFile, importMnemonicFile },
      ...{ flags: settings, given },
      backUp: async (words) => {
        await backUp(words, { backupFile, backup: given.backup, isTerminal: isAtTerminal })
      },
    })
    known.address = made.address
    const where = backupFile === undefined ? '' : ` Its words are in ${backupFile}: keep them elsewhere.`
    return `Made the key of ${getAddress(made.address)} in ${made.keystore}.${where}`
  },
})

/** Keeps the answers in the configuration, where every command finds them. */
export const settingsStep: Step<Known> = {
  name: 'settings',
  async there({ home, answers }) {
    const stand = readConfiguration(home)
    const isThere = [...answers].every(([name, value]) => `${stand[name] ?? ''}` === `${value}`)
    return isThere ? `The settings are in ${configurationPath(home)}.` : undefined
  },
  async act({ home, answers }) {
    await rememberSettings(home, Object.fromEntries(answers))
    return `Wrote the settings to ${configurationPath(home)}.`
  },
}

/**
 * Waits until the address has what the following steps need.
 *
 * @param needs - What they need; undefined where they are done.
 */
export const fundsStep = (needs: (known: Known) => Promise<Funds | undefined>): Step<Known> => ({
  name: 'funds',
  async there(known) {
    const needed = await needs(known)
    if (needed === undefined) return 'No more funds are needed.'
    const has = await fundsOf(chainOf(known), addressOf(known))
    return isEnough(missingFunds(has, needed)) ? 'The address has the funds that are needed.' : undefined
  },
  async act(known, terminal) {
    const needed = (await needs(known)) ?? { tokens: 0n, coin: 0n }
    const { wait } = known.given
    const waitSeconds = wait === undefined ? (terminal ? undefined : 0) : wholeNumber('--wait', wait)
    return awaitFunds(chainOf(known), addressOf(known), needed, { waitSeconds, terminal })
  },
})

/** Starts the service, or says what to type. @param byHand - The command that does the same at a terminal */
export const serviceStep = (service: Service, byHand: (known: Known) => string): Step<Known> => ({
  name: 'service',
  async there({ given }) {
    const serves = given.service !== false && (await hasService(service)) && (await isServing(service))
    return serves ? `The service ${service.unit} runs, and starts at boot.` : undefined
  },
  async act(known, terminal) {
    const { given, home, password = '' } = known
    const can = given.service !== false && (await hasService(service))
    const isWanted =
      given.service ??
      (can &&
        terminal !== undefined &&
        (await terminal.confirm(`Start ${service.unit} now and at every boot?`)))
    if (!isWanted) return `To start it: ${byHand(known)}`
    if (!can) return `No systemd with the unit ${service.unit} is here. To start it: ${byHand(known)}`
    demandServiceHome(service, home)
    await startService(service, password)
    return `The service ${service.unit} runs, and starts at boot.`
  },
})
