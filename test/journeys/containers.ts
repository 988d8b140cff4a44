import { join } from 'node:path'
import { address } from '@pontage/shared'
import { runCommand } from '@pontage/shared/node'
import { type Market, type Program, repository, seatConsumer } from '../world/index.js'
import { Engine } from './engine.js'
import { filled, type Guide } from './guide.js'
import type { Terminal } from './terminal.js'

/** What the guide's containers do on a machine, and how it is judged. */
interface Told {
  readonly network: string
  readonly packages: string
  readonly tell: (text: string) => void
  /** What is wrong with what a command showed. */
  readonly judge: (line: string, screen: string) => readonly string[]
}

const password = 'containers password'
const funds = { tokens: '4000', coin: '10' }

/**
 * docs/containers.md: a hub and a provider from their images and the compose file, and somebody who connects through them.
 *
 * @returns what went wrong, each with the command and its screen.
 */
export async function inContainers(market: Market, guide: Guide, told: Told): Promise<string[]> {
  const host = await market.world.addHost('containers')
  const files = { password: `${password}\n`, 'networks/journey.json': told.network }
  const engine = await Engine.open(
    host,
    join(repository, 'packaging', 'oci', 'compose.yaml'),
    files,
    password,
  )
  const values: Record<string, string> = {
    NAME: 'journey',
    'hub.example.org': host.address,
    'vpn.example.org': host.address,
  }
  const environment: Record<string, string> = {}
  const faults: string[] = []
  /** The last address that was made: the provider's, in the end. */
  let last = ''

  async function finish(terminal: Terminal): Promise<void> {
    const code = await terminal.ended()
    const wrong = [
      ...(code === 0 ? [] : [`exit code ${code}`]),
      ...told.judge(terminal.line, terminal.screen),
    ]
    if (wrong.length > 0)
      faults.push(`containers$ ${terminal.line}\n${terminal.screen.trim()}\n=> ${wrong.join('; ')}`)
    const [, made] = /^Address\s+(0x[0-9a-fA-F]{40})$/m.exec(terminal.screen) ?? []
    if (made === undefined) return
    await market.fund(address(made), funds)
    // The hub's is asked for first.
    values['0x…'] ??= made
    last = made
  }

  let running: Record<string, Program> = {}
  try {
    for (const written of [...guide.block('engine'), ...guide.block('compose')]) {
      const line = filled(written, values)
      told.tell(`containers$ ${line}`)
      const [, variable, value = ''] = /^export (\w+)=(\S+)$/.exec(line) ?? []
      const [, archive] = /^docker load --input (\S+)$/.exec(line) ?? []
      const [, service, words = ''] = /^docker compose run --rm (\S+) (.+)$/.exec(line) ?? []
      const [, within, asked = ''] = /^docker compose exec (\S+) (.+)$/.exec(line) ?? []
      if (variable !== undefined) environment[variable] = value
      else if (archive !== undefined)
        await engine.load(join(told.packages, archive.replace('packaging/dist/', '')))
      else if (service !== undefined) await finish(await engine.run(environment, service, words.split(' ')))
      else if (within !== undefined) await finish(engine.exec(within, asked.split(' ')))
      else if (line === 'docker compose up --detach') {
        running = await engine.up(environment)
        for (const program of Object.values(running)) await program.line(/"listening"/)
      } else await runCommand(['sh', '-c', line.replaceAll(/\bsudo /g, '')], { cwd: engine.project })
    }
    const visitor = await seatConsumer(market, 'visitor', '10')
    await visitor.run('channel', 'open', '--hub', values['0x…'] ?? '', '--amount', '5')
    const tunnel = visitor.start(['connect', last, '--carrier', 'udp', '--cap', '10MB'])
    await tunnel.line(/Press Ctrl-C/)
    const { stdout } = await visitor.host.run(['curl', '-sS', '--max-time', '20', market.internet.addressUrl])
    if (!stdout.includes(host.address)) faults.push(`Through the containers the server saw ${stdout}.`)
    await tunnel.stop('SIGINT', 60_000)
  } catch (error) {
    const said = Object.values(running).map((program) => program.output().split('\n').slice(-20).join('\n'))
    faults.push([(error as Error).message, ...said].join('\n'))
  } finally {
    await engine.close()
  }
  return faults
}
