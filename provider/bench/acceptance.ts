import { fork } from 'node:child_process'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { systemClock, unixSeconds, wei } from '@pontage/shared'
import { createLog, listenLinks } from '@pontage/shared/node'
import type { Components } from '#built/app/components.js'
import { acceptPromises } from '#built/app/promises/acceptPromise.js'
import { CreditLines } from '#built/app/promises/creditLines.js'
import { GroupCommit } from '#built/io/store/groupCommit.js'
import { PromiseStore } from '#built/io/store/promiseStore.js'
import { openDatabase } from '#built/io/store/storeSchema.js'
import { newIdentity, type Payer, typedData } from './cast.js'

/** Promises taken from websockets, checked, on disk and acknowledged. */
export interface Acceptance {
  /** By a second of processor time of the provider's process. */
  readonly acceptedPerSecondPerCore: number
  /** By a second on the wall, the payers on the same machine. */
  readonly acceptedPerSecond: number
  readonly accepted: number
}

/** What the payers, a process of their own, are told and tell. */
export interface LoadOrder {
  readonly url: string
  readonly provider: Payer['identity']['address']
  readonly payers: number
  readonly promisesEach: number
}
export type LoadReport =
  | {
      readonly type: 'ready'
      readonly parties: readonly Payer['parties'][]
      readonly channelIds: readonly Payer['channelId'][]
    }
  | { readonly type: 'done' }

const order = { payers: 50, promisesEach: 1_200 }

/** Has payers send all they signed, as fast as it is taken, to the store of a real provider. */
export async function measureAcceptance(): Promise<Acceptance> {
  const home = await mkdtemp(join(tmpdir(), 'pontage-bench-'))
  const db = openDatabase(home)
  const promises = new PromiseStore(db)
  const commit = new GroupCommit(promises)
  const log = createLog('bench', 'error')
  const identity = newIdentity()
  const lines = new CreditLines(promises)
  let late = 0
  const needs = { identity, typedData, clock: systemClock, commit, log }
  const nobody = { byChannel: () => undefined }
  const gate = { promised: () => undefined }
  const frame = acceptPromises(needs as unknown as Components, lines, nobody, gate, {
    paidLate: () => {
      late += 1
    },
    failed: (error) => {
      throw error
    },
  })
  const listening = await listenLinks({
    host: '127.0.0.1',
    port: 0,
    self: { identity, typedData, clock: systemClock },
    accept: () => ({ frame }),
    log,
  })
  const load = fork(fileURLToPath(new URL('load.js', import.meta.url)))
  try {
    load.send({ url: `ws://127.0.0.1:${listening.port}`, provider: identity.address, ...order })
    const ready = await next(load, 'ready')
    for (const [index, parties] of ready.parties.entries()) {
      const channelId = ready.channelIds[index] ?? '0x'
      promises.keepChannel(channelId, parties)
      promises.keepGuarantee(
        {
          channelId,
          provider: identity.address,
          ceiling: wei(10n ** 18n),
          expiresAt: unixSeconds(2e9),
          signature: '0x00',
        },
        unixSeconds(1),
      )
    }
    const cpu = process.cpuUsage()
    const began = performance.now()
    load.send('go')
    await next(load, 'done')
    const wallSeconds = (performance.now() - began) / 1_000
    const { user, system } = process.cpuUsage(cpu)
    const accepted = order.payers * order.promisesEach
    const last = ready.channelIds.map((id) => promises.channel(id)?.promise?.amount)
    if (last.some((amount) => amount !== BigInt(order.promisesEach)))
      throw new Error(`Not every promise was stored: ${last.slice(0, 5)} of ${order.promisesEach} (${late}).`)
    return {
      acceptedPerSecondPerCore: (accepted / (user + system)) * 1e6,
      acceptedPerSecond: accepted / wallSeconds,
      accepted,
    }
  } finally {
    load.kill()
    await listening.close()
    db.close()
    await rm(home, { recursive: true, force: true })
  }
}

const next = <Type extends LoadReport['type']>(
  load: ReturnType<typeof fork>,
  type: Type,
): Promise<Extract<LoadReport, { type: Type }>> =>
  new Promise((resolve, reject) => {
    load.once('exit', (code) => reject(new Error(`The payers ended with ${code}.`)))
    load.on('message', (report: LoadReport) => {
      if (report.type === type) resolve(report as Extract<LoadReport, { type: Type }>)
    })
  })
