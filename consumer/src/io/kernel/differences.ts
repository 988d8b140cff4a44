import { readFile } from 'node:fs/promises'
import { CommandFailed, isAsleep, listTable, type NftOptions } from '@pontage/shared/node'
import { bypassMark } from '../../core/bypass.js'
import { guestSetName } from '../../core/forwarded.js'
import { bypassedMarks, guardingChains, killSwitchTable } from '../../core/killSwitch.js'
import { type ConnectionRecord, isRunning, thisNamespace } from '../home/connectionFile.js'
import { defaultDevices } from './guests.js'
import { namespaceExists } from './namespace.js'
import { missingRoutes } from './routing.js'
import { wallIsWhole } from './wall.js'
import { strayWay } from './way.js'

/**
 * What of a connection is not in force on this machine, although its record says so: each a sentence for its user.
 *
 * @param isRising - Whether the tunnel of the record is only being made.
 * @returns undefined where the kernel cannot be asked: only root may.
 */
export async function differences(record: ConnectionRecord, isRising = false): Promise<string[] | undefined> {
  const { netns, state, dns } = record
  if (record.rootless && record.namespace !== thisNamespace()) return undefined
  const where: NftOptions = netns === undefined ? {} : { netns: netns.name }
  try {
    if (netns !== undefined && !(await namespaceExists(netns.name)))
      return [
        `The network namespace "${netns.name}" was deleted, and with it the tunnel and its kill switch.`,
      ]
    const found = [await firewallProblem(where, record)]
    if (netns === undefined && state === 'blocked')
      found.push(wallWords(await wallIsWhole(), found[0] !== undefined))
    if (netns === undefined && state === 'connected' && !isRising) {
      const missing = await missingRoutes(record)
      if (missing.length > 0) found.push(`Rules or routes of the tunnel are gone: ${missing.join('; ')}.`)
      else found.push(await strayWay(record))
      if (dns?.way === 'file' && (await readFile(dns.path, 'utf8').catch(() => '')) !== dns.after)
        found.push(
          `${dns.path} ${isRunning(record) ? 'was overwritten' : 'does not name the provider’s resolver'}: names are asked for by the firewall’s redirection only.`,
        )
    }
    return found.filter((each) => each !== undefined)
  } catch (error) {
    if (error instanceof CommandFailed) return undefined
    throw error
  }
}

function wallWords(isWhole: boolean, isAlone: boolean): string | undefined {
  if (!isWhole) return 'The rules that answer "unreachable" behind the firewall are gone.'
  return isAlone ? 'Routing rules still answer "unreachable": nothing leaves this machine.' : undefined
}

async function firewallProblem(where: NftOptions, record: ConnectionRecord): Promise<string | undefined> {
  const table = await listTable('inet', killSwitchTable, where)
  if (table === undefined)
    return record.state === 'connected' && !isRunning(record)
      ? 'There is no kill switch: the program was killed before it was on, or something else flushed the firewall.'
      : 'The kill switch is gone: something else flushed the firewall.'
  const objects = table.objects as readonly NftObject[]
  if (isAsleep(table.objects, 'inet', killSwitchTable))
    return 'The kill switch is asleep: something else gave its table the flag "dormant".'
  // What is let through by a rule before them, they do not see.
  const isFirst = ({ expr }: NonNullable<NftObject['rule']>) => JSON.stringify(expr).includes('"right":"lo"')
  const isWhole = guardingChains.every((name) => {
    const first = objects.find(({ rule }) => rule?.chain === name)?.rule
    const isThere = objects.some(({ chain }) => chain?.name === name && chain.policy === 'drop')
    return isThere && first !== undefined && isFirst(first)
  })
  // Nor do they refuse what one lets through whatever it is, or who is named where only guests and a mark of ours are.
  const isOpened = objects.some(({ rule }) => rule !== undefined && letsAllThrough(rule))
  const named = (name: string) => objects.find(({ set }) => set?.name === name)?.set?.elem ?? []
  const upstream = await defaultDevices()
  const hasStrangers =
    named(guestSetName).some((each) => upstream.has(String(each))) ||
    named(bypassedMarks).some((each) => Number(each) !== Number(bypassMark))
  return isWhole && !isOpened && !hasStrangers
    ? undefined
    : 'The kill switch is not as it was loaded: something else changed the firewall.'
}

const letsAllThrough = ({ chain, expr }: NonNullable<NftObject['rule']>): boolean =>
  guardingChains.some((name) => name === chain) &&
  Array.isArray(expr) &&
  expr.every((each) => 'accept' in each || 'counter' in each) &&
  expr.some((each) => 'accept' in each)

interface NftObject {
  readonly chain?: { readonly name: string; readonly policy?: string }
  readonly rule?: { readonly chain: string; readonly expr: unknown }
  readonly set?: { readonly name: string; readonly elem?: readonly (string | number)[] }
}
