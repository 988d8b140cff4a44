import { execFileSync } from 'node:child_process'
import { mkdtemp, rm } from 'node:fs/promises'
import { join } from 'node:path'
import { type Market, type Person, programPath } from '../world/index.js'
import { readContract } from '../world/jsonContract.js'
import type { Machine } from './machine.js'
import { homes, units } from './serverMachine.js'

/** What a hub's ledger has of a provider; wei as decimal text. */
interface Standing {
  readonly provider: string
  readonly total: string
}

/** What a provider's store has. */
interface ProviderStatus {
  readonly hubs: readonly { readonly hub: string; readonly promised: string }[]
  readonly sessions: readonly { readonly id: string; readonly ending?: string | null }[]
}

/** The homes of a hub and a provider as they lay on the disk of their machine when it came up, before either ran. */
export interface AsFound {
  standings(): Promise<readonly Standing[]>
  /** Has the hub's doctor look at its ledger and hold it against the chain. @throws Error with what it finds wrong */
  examineHub(): Promise<void>
  status(): Promise<ProviderStatus>
  forget(): Promise<void>
}

const kept = '/run/as-found'

/** From its next boot on, the machine keeps the homes of its hub and its provider aside before it starts them. */
export const keepHomesAside = (machine: Machine): Promise<string> =>
  machine.run(
    units
      .map((unit) => {
        const copy = `cp -a ${homes[unit]} ${kept}/${unit}.part && mv ${kept}/${unit}.part ${kept}/${unit}`
        return `
          mkdir -p /etc/systemd/system/${unit}.service.d
          cat >/etc/systemd/system/${unit}.service.d/as-found.conf <<'END'
[Service]
ExecStartPre=+/bin/sh -c 'mkdir -p ${kept}; [ -e ${kept}/${unit} ] || { ${copy}; }'
END`
      })
      .concat('systemctl daemon-reload')
      .join('\n'),
  )

/** Carries the homes that were kept aside since boot out of the machine. */
export async function homesAsFound(market: Market, machine: Machine, hub: Person): Promise<AsFound> {
  const packed = await machine.run(
    `timeout 200 sh -c 'until [ -e ${kept}/pontage-hub ] && [ -e ${kept}/pontage-provider ]; do sleep 0.2; done' &&
    tar -C ${kept} -cz pontage-hub pontage-provider | base64 --wrap 0`,
    240_000,
  )
  const folder = await mkdtemp(join(market.world.folder, 'as-found-'))
  execFileSync('tar', ['-C', folder, '-xz', '--no-same-owner'], { input: Buffer.from(packed, 'base64') })
  const desk = market.testChain.host
  const run = async <T>(program: 'pontage-hub' | 'pontage-provider', words: readonly string[]) => {
    const command = [programPath(program), ...words, '--home', join(folder, program), '--json']
    return readContract(await desk.start(command).succeeded({ timeoutMs: 60_000 })) as T
  }
  return {
    standings: async () => (await run<{ providers: Standing[] }>('pontage-hub', ['providers'])).providers,
    async examineHub() {
      const password = ['--password-file', join(hub.host.home, 'password')]
      await run('pontage-hub', ['doctor', '--deployment', market.deploymentFile, ...password])
    },
    status: () => run<ProviderStatus>('pontage-provider', ['status']),
    forget: () => rm(folder, { recursive: true }),
  }
}
