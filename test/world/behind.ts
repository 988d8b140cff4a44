import { applyIp } from '@pontage/shared/node'
import type { Host } from './host.js'
import type { Program } from './program.js'

// Machines behind a machine, and what they ask for.

/** Gives a machine no line but one to another, which is its way to everywhere. */
export async function seatBehind(
  router: Host,
  host: Host,
  device: string,
  addresses: { readonly 4?: readonly [string, string]; readonly 6: readonly [string, string] },
): Promise<void> {
  await applyIp(
    [['link', 'add', 'dev', device, 'type', 'veth', 'peer', 'name', 'lan', 'netns', host.netns]],
    { netns: router.netns },
  )
  await applyIp([['link', 'set', 'dev', host.device, 'down']], { netns: host.netns })
  const ends = [
    [router.netns, device],
    [host.netns, 'lan'],
  ] as const
  for (const [index, [netns, name]] of ends.entries()) {
    const own = Object.entries(addresses).map(([family, both]) => [
      both[index] as string,
      family === '4' ? 24 : 64,
    ])
    await applyIp(
      [
        ...own.map(([address, prefix]) => ['address', 'add', `${address}/${prefix}`, 'dev', name, 'nodad']),
        ['link', 'set', 'dev', name, 'up'],
      ],
      { netns },
    )
  }
  for (const [family, [via]] of Object.entries(addresses))
    await applyIp([['route', 'add', 'default', 'via', via]], {
      netns: host.netns,
      family: family === '4' ? 4 : 6,
    })
}

/** What a machine gets of a page, or why not. */
export async function pageFrom(host: Host, name: string, path: string): Promise<string> {
  const attempt = host.start(['curl', '-sS', '--fail', '--max-time', '10', `http://${name}/${path}`])
  const { code } = await attempt.ended
  return code === 0 ? attempt.output().trim() : `curl ended with ${code}`
}

/** A name server that answers every question with nothing, and says who asked. */
export async function answerNames(host: Host, address: string): Promise<Program> {
  const family = address.includes(':') ? 'udp6' : 'udp4'
  const server = host.start([
    process.execPath,
    '-e',
    `const s = require('node:dgram').createSocket('${family}')
     s.on('message', (m, from) => {
       console.log('asked by ' + from.address)
       m[2] |= 0x80
       s.send(m, from.port, from.address)
     })
     s.bind(53, '${address}', () => console.log('up'))`,
  ])
  await server.line(/up/)
  return server
}

/** Whether a question to that address is answered. */
export async function isAnswered(server: string, host: Host): Promise<boolean> {
  const question = '00070100000100000000000003777777076578616d706c6503636f6d0000010001'
  const attempt = host.start([
    process.execPath,
    '-e',
    `const s = require('node:dgram').createSocket('${server.includes(':') ? 'udp6' : 'udp4'}')
     s.on('message', () => process.exit(0)); s.on('error', () => process.exit(1))
     s.connect(53, '${server}', () => s.send(Buffer.from('${question}', 'hex')))
     setTimeout(() => process.exit(1), 4000)`,
  ])
  return (await attempt.ended).code === 0
}
