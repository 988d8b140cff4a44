import { addressBytes } from '../link/addressBytes.js'
import type { NftCounter } from './nftables.js'
import { nftName } from './nftablesValues.js'
import type { NftChange } from './nftChanges.js'
import { eachAttribute, kinds, marks, type NftAnswer, type NftRequest } from './nftMessages.js'

// Counters, quotas and elements as the kernel is asked for them and tells of them (linux/netfilter/nf_tables.h).

const attributes = {
  ...{ item: 1, value: 1 },
  object: { table: 1, name: 2, kind: 3, data: 4 },
  counter: { bytes: 1, packets: 2 },
  quota: { bytes: 1, flags: 2 },
  list: { table: 1, set: 2, elements: 3 },
  element: { key: 1, object: 9 },
} as const
const objectKinds = { counter: 1, quota: 2 } as const
/** A quota that matches what is beyond it. */
const over = 1

/** @param flags - Besides those of the change itself. */
export function writeChange(request: NftRequest, table: string, change: NftChange, flags = 0): void {
  const isNew = change.verb === 'add'
  const marked = flags | (isNew ? marks.create : 0)
  if (change.kind === 'element') {
    request.message(isNew ? kinds.addElement : kinds.deleteElement, marked, (message) =>
      message
        .text(attributes.list.table, table)
        .text(attributes.list.set, nftName(change.set))
        .nested(attributes.list.elements, (elements) =>
          elements.nested(attributes.item, (item) => {
            item.nested(attributes.element.key, (key) =>
              key.raw(attributes.value, addressBytes(change.address)),
            )
            if (isNew && change.object !== undefined)
              item.text(attributes.element.object, nftName(change.object))
          }),
        ),
    )
    return
  }
  request.message(isNew ? kinds.addObject : kinds.deleteObject, marked, (message) => {
    writeObject(message, table, change.kind, change.name)
    if (!isNew) return
    message.nested(attributes.object.data, (data) => {
      if (change.kind === 'quota')
        data.bigNumber(attributes.quota.bytes, change.over).number(attributes.quota.flags, over)
    })
  })
}

/** Asks for one counter; without a name, for all of the table. */
export function askCounters(request: NftRequest, table: string, name?: string): void {
  request.message(kinds.readObject, name === undefined ? marks.dump : 0, (message) =>
    writeObject(message, table, 'counter', name),
  )
}

/** Asks for all elements of a set. */
export function askElements(request: NftRequest, table: string, set: string): void {
  request.message(kinds.listElements, marks.dump, (message) =>
    message.text(attributes.list.table, table).text(attributes.list.set, nftName(set)),
  )
}

function writeObject(
  message: NftRequest,
  table: string,
  kind: keyof typeof objectKinds,
  name?: string,
): void {
  message.text(attributes.object.table, table)
  if (name !== undefined) message.text(attributes.object.name, nftName(name))
  message.number(attributes.object.kind, objectKinds[kind])
}

/** @throws Error for an answer that tells of no counter. */
export function readCounter(answer: NftAnswer): { readonly name: string; readonly counter: NftCounter } {
  const { answer: told } = answer
  let name: string | undefined
  let bytes: bigint | undefined
  let packets: bigint | undefined
  eachAttribute(told, answer, (kind, from, to) => {
    if (kind === attributes.object.name) name = told.toString('latin1', from, to - 1)
    else if (kind === attributes.object.data)
      eachAttribute(told, { from, to }, (of, at, end) => {
        if (end - at !== 8) return
        if (of === attributes.counter.bytes) bytes = told.readBigUInt64BE(at)
        else if (of === attributes.counter.packets) packets = told.readBigUInt64BE(at)
      })
  })
  if (name === undefined || bytes === undefined || packets === undefined)
    throw new Error('The kernel told of a counter without its name or its count.')
  return { name, counter: { bytes, packets } }
}

/** Keys of the elements that an answer tells of, as latin1 has their bytes. */
export function readKeys(answer: NftAnswer): string[] {
  const { answer: told } = answer
  const { list, item, element, value } = { ...attributes }
  const found: string[] = []
  const inside = (place: Span, [wanted, ...more]: readonly number[]) =>
    eachAttribute(told, place, (kind, from, to) => {
      if (kind !== wanted) return
      if (more.length > 0) inside({ from, to }, more)
      else found.push(told.toString('latin1', from, to))
    })
  inside(answer, [list.elements, item, element.key, value])
  return found
}

interface Span {
  readonly from: number
  readonly to: number
}
