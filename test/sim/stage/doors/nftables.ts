import { type NftChange, nftCommand } from '@pontage/shared/node'
import { ownKernel } from '../../kernel/kernel.js'
import type { Table } from '../../kernel/nft.js'
import { timeline } from '../timeline.js'

/** A question to the kernel takes a moment, in which the program may die. */
const ask = (): Promise<void> => timeline().wait(0.1 + timeline().process.chance.real())

export async function applyRuleset(text: string): Promise<void> {
  await ask()
  ownKernel().nft.apply(text)
}

const deletion = (name: string): string => `table inet ${name}\ndelete table inet ${name}\n`
export const replaceTable = (_family: string, name: string, body: string): string =>
  `${deletion(name)}table inet ${name} {\n${body}\n}\n`
export const deleteTable = (_family: string, name: string): Promise<void> => applyRuleset(deletion(name))

const listed = (table: Table) => ({
  counters: new Map([...table.counters].map(([name, counter]) => [name, { ...counter }])),
  quotas: new Map(
    [...table.quotas].map(([name, { over, used }]) => [name, { limitBytes: over, usedBytes: used }]),
  ),
  objects: [],
})

export async function listTable(_family: string, name: string) {
  await ask()
  const table = ownKernel().nft.tables.get(name)
  return table && listed(table)
}

/** Rules as they stand: our own texts, which nobody else changes here. */
export async function printParts({ table: name }: { table: string }, { chains }: { chains: string[] }) {
  await ask()
  const table = ownKernel().nft.tables.get(name)
  return JSON.stringify(chains.map((chain) => table?.chains.get(chain)?.lines))
}

export const isAsleep = (): boolean => false
export const parseTable = (): never => {
  throw new Error('The simulation prints no tables.')
}

/** What keeps one nft running. */
export function openNftReader() {
  const { nft } = ownKernel()
  const read = async (_family: string, name: string) => {
    await ask()
    const table = nft.tables.get(name)
    if (!table) throw new Error(`The firewall table inet ${name} could not be read: there is none`)
    return listed(table)
  }
  return {
    read,
    readCounters: async (family: string, name: string) => (await read(family, name)).counters,
    async apply(commands: readonly string[]) {
      await ask()
      nft.apply(commands.join('\n'))
    },
    close() {},
  }
}

/** What asks without a moment in between: no program dies there. */
export const NftSocket = {
  open(place: { family: 'inet'; table: string }) {
    const { nft } = ownKernel()
    const table = (): Table => {
      const found = nft.tables.get(place.table)
      if (!found) throw new Error(`The firewall table inet ${place.table} could not be read: there is none`)
      return found
    }
    const counter = (name: string) => {
      const found = table().counters.get(name)
      if (!found) throw new Error(`The firewall table inet ${place.table} could not be read: ${name}`)
      return { ...found }
    }
    return {
      apply: (changes: readonly NftChange[]) =>
        nft.apply(changes.map((change) => nftCommand(place, change)).join('\n')),
      counters: (names: readonly string[]) => names.map(counter),
      allCounters: () => listed(table()).counters,
      addresses: (set: string) =>
        [...(table().recent.get(set)?.until ?? [])]
          .filter(([, until]) => until > timeline().nowMs)
          .map(([address]) => Buffer.from(address.split('.').map(Number)).toString('latin1')),
      // Nobody else changes rules here.
      foreignChanges: () => 0,
      close() {},
    }
  },
}
