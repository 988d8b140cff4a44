import { getSystemErrorMessage } from 'node:util'
import { NetlinkSocket } from './netlinkSocket.js'
import type { NftCounter, NftPlace } from './nftables.js'
import { nftName } from './nftablesValues.js'
import { type NftChange, nftCommand } from './nftChanges.js'
import { eachAttribute, kinds, marks, type NftAnswer, type NftRequest } from './nftMessages.js'
import { askCounters, askElements, readCounter, readKeys, writeChange } from './nftObjects.js'

/** A table that can be asked by a socket. */
export type NftSocketPlace = NftPlace & { readonly family: 'inet' }

/** From the headers of Linux: `nfnetlink.h`, `nf_tables.h`, `errno.h`. */
const nftSubsystem = 10
const attributes = { batchGeneration: 1, generation: 1 } as const
const restart = 85

/** Answers wait in a buffer of the socket, which holds more than these. */
const askedTogether = 60
/** A request has to fit a buffer of the socket, too. */
const changedTogether = 1_000
const mostTries = 100

/**
 * One table of the firewall, by a socket to the kernel instead of `nft`: a change takes some microseconds where the command first
 * reads all that there is.
 */
export class NftSocket {
  readonly #table: string
  /** The kernel's number of the rules as we know them. */
  #generation: number
  #foreign = 0

  private constructor(
    private readonly socket: NetlinkSocket,
    private readonly place: NftSocketPlace,
  ) {
    this.#table = nftName(place.table)
    this.#generation = this.#askGeneration()
  }

  /** @returns undefined where this kind of machine, or who we are, does not allow it. */
  static open(place: NftSocketPlace): NftSocket | undefined {
    const socket = NetlinkSocket.open()
    try {
      return socket && new NftSocket(socket, place)
    } catch {
      socket?.close()
      return undefined
    }
  }

  /**
   * How often somebody else was seen to have changed any rules of this network: where two answers are equal, nobody did in between.
   */
  foreignChanges(): number {
    this.#meet(this.#askGeneration())
    return this.#foreign
  }

  /**
   * Makes changes: all of them, or on an error none; so much for each thousand of them.
   *
   * @throws Error naming the change that the kernel refused.
   */
  apply(changes: readonly NftChange[]): void {
    for (let from = 0; from < changes.length; from += changedTogether)
      this.#applyTogether(changes.slice(from, from + changedTogether))
  }

  #applyTogether(changes: readonly NftChange[]): void {
    for (let tried = 0; tried < mostTries; tried++) {
      // Where somebody came before us the kernel refuses, so that each generation is known to be ours or another's.
      if (this.#wasApplied(changes)) {
        // Zero is no generation.
        this.#generation = (this.#generation + 1) >>> 0 || 1
        return
      }
      this.#meet(this.#askGeneration())
    }
    throw new Error('The firewall refused a change: other programs change it all the time')
  }

  #wasApplied(changes: readonly NftChange[]): boolean {
    const request = this.socket.request()
    request.message(
      kinds.batchBegin,
      0,
      (batch) => batch.number(attributes.batchGeneration, this.#generation),
      nftSubsystem,
    )
    const first = request.last + 1
    for (const [index, change] of changes.entries())
      writeChange(request, this.#table, change, index === changes.length - 1 ? marks.acknowledge : 0)
    const last = request.last
    request.message(kinds.batchEnd, 0, undefined, nftSubsystem)
    let refused: { readonly number: number; readonly change: NftChange | undefined } | undefined
    for (const answer of this.socket.ask(request)) {
      const number = errorIn(answer)
      if (number === undefined) continue
      if (number === restart) return false
      if (number !== 0) refused ??= { number, change: changes[answer.sequence - first] }
      // What is refused as a whole is answered with what it begins with.
      if (answer.sequence === last || answer.sequence < first) break
    }
    if (refused === undefined) return true
    const { number, change } = refused
    const what = change === undefined ? 'all of it' : nftCommand(this.place, change)
    throw new Error(`The firewall refused a change: ${meaning(number)}: ${what}`)
  }

  /** Counters by their names, in that order. @throws Error when one is not there. */
  counters(names: readonly string[]): NftCounter[] {
    const found: NftCounter[] = []
    for (let from = 0; from < names.length; from += askedTogether) {
      const request = this.socket.request()
      const asked = names.slice(from, from + askedTogether)
      for (const name of asked) askCounters(request, this.#table, name)
      for (const answer of this.socket.ask(request)) {
        this.#require(answer, () => asked[answer.sequence - request.last + asked.length - 1] ?? '')
        found.push(readCounter(answer).counter)
        if (answer.sequence === request.last) break
      }
    }
    return found
  }

  /** All counters of a table that has any. @throws Error where there are none: the kernel says the same of a table that is gone. */
  allCounters(): Map<string, NftCounter> {
    const all = new Map<string, NftCounter>()
    this.#list(
      (request) => askCounters(request, this.#table),
      () => all.clear(),
      (answer) => {
        const { name, counter } = readCounter(answer)
        all.set(name, counter)
      },
    )
    if (all.size === 0) throw this.#unread('it has no counters')
    return all
  }

  /** Addresses in a set: the bytes of each, as latin1 has them. @throws Error when there is no such set. */
  addresses(set: string): string[] {
    const all: string[] = []
    this.#list(
      (request) => askElements(request, this.#table, set),
      () => all.splice(0),
      (answer) => all.push(...readKeys(answer)),
    )
    return all
  }

  close(): void {
    this.socket.close()
  }

  #meet(generation: number): void {
    if (generation === this.#generation) return
    this.#generation = generation
    this.#foreign += 1
  }

  #askGeneration(): number {
    let generation: number | undefined
    for (const answer of this.socket.ask(this.socket.request().message(kinds.askGeneration, 0))) {
      this.#require(answer, () => 'its generation')
      eachAttribute(answer.answer, answer, (kind, from, to) => {
        if (kind === attributes.generation && to - from === 4) generation = answer.answer.readUInt32BE(from)
      })
      break
    }
    if (generation === undefined) throw this.#unread('its generation was not told')
    return generation
  }

  /** Reads a list that nobody changed while it was told. */
  #list(ask: (request: NftRequest) => void, begin: () => void, take: (answer: NftAnswer) => void): void {
    for (let tried = 0; tried < mostTries; tried++) {
      const request = this.socket.request()
      ask(request)
      begin()
      let isWhole = true
      for (const answer of this.socket.ask(request)) {
        if ((answer.flags & marks.interrupted) !== 0) isWhole = false
        if (answer.kind === kinds.done) break
        this.#require(answer, () => 'a list')
        take(answer)
      }
      if (isWhole) return
    }
    throw this.#unread('other programs change it all the time')
  }

  #require(answer: NftAnswer, what: () => string): void {
    const number = errorIn(answer)
    if (number !== undefined && number !== 0) throw this.#unread(`${meaning(number)}: ${what()}`)
  }

  #unread(why: string): Error {
    return new Error(`The firewall table inet ${this.#table} could not be read: ${why}`)
  }
}

/** The number of the error that an answer tells of, 0 for none; undefined where it tells of something else. */
const errorIn = ({ kind, answer, from }: NftAnswer): number | undefined =>
  kind === kinds.error ? -answer.readInt32LE(from) : undefined

const meaning = (number: number): string => getSystemErrorMessage(-number)
