import {
  forwards6,
  forwardThrough,
  generalSwitch6,
  type KernelSettings,
  noteUse,
  othersForward4,
  readOtherUses,
} from '@pontage/shared/node'
import type { JudgingChain } from '../../core/way.js'
import type { OthersForward } from './firewall.js'
import { readStrangers, type Strangers } from './foreignChains.js'
import { newForwarders6 } from './undo.js'

/** Whether the machine forwards for somebody else, too, and the chains of others that judge what is forwarded. */
export interface Others extends OthersForward {
  readonly chains: readonly JudgingChain[]
}

/** The machine's switches for forwarding, as one provider relies on them. */
export interface Switches {
  /**
   * Switches on what is off, also where somebody switched it off again.
   * @returns Names of the settings that were written.
   */
  keep(devices: readonly string[]): Promise<string[]>
  /** Who else has a say in forwarding. */
  others(): Promise<Others>
}

/**
 * Takes part in the machine's switches, which other providers may share.
 *
 * @param table - By whose presence the others know that we run.
 * @param chainsBefore - Chains of others that were there before us.
 * @param write - Told of each setting that is changed, with the value from before, before it is.
 */
export function shareSwitches(
  table: string,
  chainsBefore: readonly string[],
  before: KernelSettings,
  write: (settings: KernelSettings) => Promise<void>,
): Switches {
  let noted: KernelSettings = before
  let devices: readonly string[] = []
  let isJoined = false

  const note = async (more: KernelSettings) => {
    if (isJoined && Object.keys(more).every((name) => name in noted)) return
    noted = { ...more, ...noted }
    await write(noted)
    await noteUse(table, noted)
  }

  /** What another provider has switched on already has its value from before that one. */
  async function join(): Promise<void> {
    const { tables } = await readStrangers()
    await note({})
    await note(await readOtherUses(table, tables))
    isJoined = true
  }

  return {
    async keep(through) {
      devices = through
      if (!isJoined) await join()
      return forwardThrough(through, note)
    },
    async others() {
      const strangers: Strangers = await readStrangers()
      const uses = await readOtherUses(table, strangers.tables)
      const isOurs6 = noted[generalSwitch6] === '0' || !(await forwards6())
      return {
        chains: strangers.chains,
        othersForward4: await othersForward4(devices),
        othersForward6:
          !isOurs6 || generalSwitch6 in uses || newForwarders6(strangers.chains, chainsBefore).length > 0,
      }
    },
  }
}
