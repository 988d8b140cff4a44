import { chmodSync, mkdtempSync } from 'node:fs'
import { rm } from 'node:fs/promises'
import { connect, createServer, type Server, type Socket } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { startPostgres, urlOf } from '@pontage/hub/postgres.fixture'

/** Two servers, of which the second holds whatever the first has answered, at one address. */
export interface Cluster {
  /** A database, at the address of whichever server leads. */
  readonly url: string
  /** The leading server goes as by a power cut, and the other takes over. */
  failOver(): Promise<void>
  stop(): Promise<void>
}

/** Milliseconds that everything takes from one server to the other, each way. */
export const apartMs = 1

/** Starts two PostgreSQL servers, `apartMs` apart, that commit together. */
export async function startCluster(): Promise<Cluster> {
  const first = await startPostgres()
  const between = await relay(() => first.folder, apartMs)
  const second = await startPostgres({}, between.folder)
  let leader = first
  const address = await relay(() => leader.folder, 0)
  const name = (await first.database()).replace(/^.*\/|\?.*$/g, '')
  await first.waitForStandby()
  return {
    url: urlOf(address.folder, name),
    async failOver() {
      await first.crash()
      await second.promote()
      leader = second
    },
    async stop() {
      await Promise.all([between.close(), address.close()])
      await Promise.all([first.stop(), second.stop()])
    },
  }
}

const socketName = '.s.PGSQL.5432'

/** A socket for PostgreSQL that hands on to the one in another folder, later. */
async function relay(
  target: () => string,
  delayMs: number,
): Promise<{ readonly folder: string; close(): Promise<void> }> {
  const folder = mkdtempSync(join(tmpdir(), 'pontage-pg-'))
  chmodSync(folder, 0o755)
  const open = new Set<Socket>()
  const server: Server = createServer((near) => {
    const far = connect(join(target(), socketName))
    for (const [from, to] of [
      [near, far],
      [far, near],
    ] as const) {
      open.add(from)
      from.on('data', (bytes) => {
        if (delayMs === 0) to.write(bytes)
        else setTimeout(() => to.write(bytes), delayMs)
      })
      from.on('error', () => to.destroy())
      from.on('close', () => {
        open.delete(from)
        to.destroy()
      })
    }
  })
  const path = join(folder, socketName)
  await new Promise<void>((resolve) => server.listen(path, resolve))
  chmodSync(path, 0o777)
  return {
    folder,
    async close() {
      for (const socket of open) socket.destroy()
      await new Promise((resolve) => server.close(resolve))
      await rm(folder, { recursive: true, force: true })
    },
  }
}
