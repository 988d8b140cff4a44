import { mkdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { setTimeout as delay } from 'node:timers/promises'
import {
  createMarket,
  eventually,
  openHub,
  openProvider,
  programPath,
  repository,
  seatConsumer,
} from '../../test/dist/world/index.js'

// What a consumer sees, looked at through tmux and written to docs/screens/: npm run -s screens -w consumer

const folder = join(repository, 'docs', 'screens')
mkdirSync(folder, { recursive: true })
const market = await createMarket()
try {
  const hub = await openHub(market, 'hub', { pool: '100', drawAbove: '1000' })
  const offer = (price, country) => ({
    ...{ price, country, hubs: [hub.address], beneficiary: market.deployer, megabits: 50 },
  })
  const first = await openProvider(market, 'first', offer('0.05/GB', 'DE'))
  const second = await openProvider(market, 'second', offer('0.07/GB', 'NL'))
  const consumer = await seatConsumer(market, 'consumer', '10')
  await consumer.run('channel', 'open', '--hub', hub.address, '--amount', '5')
  const pontage = programPath('pontage')
  const download = `curl -s -m 30 -o /dev/null ${market.internet.fileUrl(6_000_000)}`

  for (const columns of [80, 160]) {
    keep(`providers-${columns}`, await look(consumer, columns, `${pontage} providers`, /NL/))
    keep(
      `connect-${columns}`,
      await look(
        consumer,
        columns,
        `${pontage} connect --cap 50MB --budget 1`,
        /Receipt/,
        async (type) => {
          await consumer.host.run(['sh', '-c', download])
          await delay(1_500)
          await type('C-c')
        },
        /connected {2}down/,
      ),
    )
  }
  keep('doctor-80', await look(consumer, 80, `${pontage} doctor`, /channels:/))
  keep('no-colour-80', await look(consumer, 80, `NO_COLOR=1 TERM=dumb ${pontage} status`, /Not connected/))

  // Not a terminal: a line now and then instead of one that lives.
  const plain = consumer.start(['connect', '--cap', '50MB'])
  await plain.line(/Press Ctrl-C/, { timeoutMs: 90_000 })
  await consumer.host.run(['sh', '-c', download])
  keep('status-connected', await consumer.run('status'))
  await plain.stop('SIGINT', 30_000)
  keep('connect-not-a-terminal', plain.lines().join('\n'))

  // A provider that dies while one looks.
  keep(
    'fail-over-80',
    await look(
      consumer,
      80,
      `${pontage} connect`,
      /Receipt/,
      async (type, shows) => {
        first.program.signal('SIGKILL')
        await shows(new RegExp(`Connected to ${second.address}`))
        await delay(2_500)
        await type('C-c')
      },
      /connected {2}down/,
    ),
  )

  keep(
    'cap-80',
    await look(
      consumer,
      80,
      `${pontage} connect ${second.address} --cap 5MB`,
      /kill switch stays on/,
      async () => {
        await consumer.host.run(['sh', '-c', download]).catch(() => undefined)
      },
      /connected {2}down/,
    ),
  )
  keep('blocked', await consumer.run('status'))
  keep('disconnect', await consumer.run('disconnect'))
} finally {
  await market.destroy()
}

function keep(name, text) {
  const shown = `${text.trimEnd()}\n`
  writeFileSync(join(folder, `${name}.txt`), shown)
  process.stdout.write(`--- ${name}\n${shown}`)
}

/**
 * Runs a command in a terminal of so many columns and gives back what stands there at the end.
 *
 * @param act - Done once `ready` is seen; given a function that types a key, and one that waits for what is shown.
 */
async function look(person, columns, command, end, act, ready = end) {
  const socket = join(market.world.folder, `tmux-${columns}-${Math.random().toString(36).slice(2)}`)
  const tmux = (...words) => person.host.run(['tmux', '-S', socket, ...words])
  await tmux(
    '-f',
    '/dev/null',
    'new-session',
    '-d',
    '-x',
    String(columns),
    '-y',
    '45',
    `${command}; sleep 600`,
  )
  const shown = async () => (await tmux('capture-pane', '-p')).stdout
  const shows = (text) => eventually(`the screen shows ${text}`, async () => text.test(await shown()), 90_000)
  try {
    await shows(ready)
    await act?.((key) => tmux('send-keys', key), shows)
    await shows(end)
    return await shown()
  } finally {
    await tmux('kill-server')
  }
}
