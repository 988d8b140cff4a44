import { chmod, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { applyDns, type DnsChange, planDns, resolverPart, restoreDns, restoreLeftFile } from './dns.js'
import { isOurs, originalOf, resolverText, withOriginal } from './resolverText.js'

// systemd-resolved and resolvconf do not run here: programs of their names write down how they were called.

const servers = ['10.86.0.1', 'fd50::1']
const path = process.env.PATH
let folder = ''
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'pontage-dns-'))
})
afterEach(async () => {
  process.env.PATH = path
  await rm(folder, { recursive: true, force: true })
})

/** Puts a program in front of all others, that notes its words and its input, and ends with `code`. */
async function standIn(name: string, code = 0): Promise<void> {
  const file = join(folder, name)
  await writeFile(
    file,
    `#!/bin/sh\necho "${name} $*" >>"${folder}/calls"\ncat >>"${folder}/calls"\nexit ${code}\n`,
  )
  await chmod(file, 0o755)
  process.env.PATH = `${folder}:${path}`
}

const calls = async (): Promise<string[]> =>
  (await readFile(join(folder, 'calls'), 'utf8')).split('\n').filter((line) => line !== '')

describe('questions for names', () => {
  it('are turned to the tunnel by systemd-resolved where it answers, and back', async () => {
    await standIn('resolvectl')
    const change = await planDns(servers)
    expect(change).toEqual({ way: 'resolvectl' })
    if (change === undefined) return
    await applyDns(change, 'pont1', servers)
    await restoreDns(change, 'pont1')
    expect(await calls()).toEqual([
      'resolvectl status',
      'resolvectl dns pont1 10.86.0.1 fd50::1',
      'resolvectl domain pont1 ~.',
      'resolvectl default-route pont1 yes',
      'resolvectl dnsovertls pont1 no',
      'resolvectl revert pont1',
    ])
  })

  it('are turned by resolvconf where systemd-resolved does not answer', async () => {
    await standIn('resolvectl', 1)
    await standIn('resolvconf')
    const change = await planDns(servers)
    expect(change).toEqual({ way: 'resolvconf' })
    if (change === undefined) return
    await applyDns(change, 'pont1', servers)
    await restoreDns(change, 'pont1')
    expect((await calls()).filter((line) => !line.startsWith('#'))).toEqual([
      'resolvectl status',
      'resolvconf -a tun.pont1 -m 0 -x',
      'nameserver 10.86.0.1',
      'nameserver fd50::1',
      'resolvconf -d tun.pont1 -f',
    ])
  })

  it('are left alone where the tunnel has no resolver', async () => {
    expect(await planDns([])).toBeUndefined()
  })
})

describe('the resolver file', () => {
  const change = (before: string): DnsChange & { way: 'file' } => ({
    ...{ way: 'file', path: join(folder, 'resolv.conf'), before },
    after: withOriginal(resolverText(servers), before),
  })

  it('comes back as it was, also after a power cut in the middle of writing', async () => {
    const own = change('nameserver 192.168.1.1\noptions edns0')
    await writeFile(own.path, own.before)
    await applyDns(own, 'pont1', servers)
    expect(await readFile(own.path, 'utf8')).toContain(resolverText(servers))
    await restoreDns(own, 'pont1')
    expect(await readFile(own.path, 'utf8')).toBe(own.before)
    await writeFile(own.path, own.after.slice(0, 20))
    await restoreDns(own, 'pont1')
    expect(await readFile(own.path, 'utf8')).toBe(own.before)
  })

  it('keeps what somebody else wrote meanwhile, and is restored twice as well as once', async () => {
    const own = change('nameserver 192.168.1.1\n')
    await writeFile(own.path, 'nameserver 172.20.0.1\n')
    await restoreDns(own, 'pont1')
    expect(await readFile(own.path, 'utf8')).toBe('nameserver 172.20.0.1\n')
    await rm(own.path)
    await restoreDns(own, 'pont1')
  })

  it('carries what stood before, for when no record says so any more', async () => {
    for (const before of ['nameserver 192.168.1.1\noptions edns0\n', 'nameserver 192.168.1.1', '', '\n\n']) {
      const own = change(before)
      await writeFile(own.path, before)
      await applyDns(own, 'pont1', servers)
      await restoreLeftFile(own.path)
      expect(await readFile(own.path, 'utf8')).toBe(before)
      await restoreLeftFile(own.path)
      expect(originalOf(before)).toBe(before)
    }
  })

  it('gives back what somebody wrote while connected, whatever provider’s resolvers stand in it by then', async () => {
    const own = change('nameserver 192.168.1.1\n')
    await writeFile(own.path, own.before)
    let known: DnsChange = own
    const part = resolverPart(own, 'pont1', servers, async (changed) => {
      known = changed
    })
    await part.apply()
    expect(await part.look()).toBe(part.right)
    await writeFile(own.path, 'nameserver 172.20.0.1\n')
    expect(await part.look()).not.toBe(part.right)
    await part.apply()
    expect(await part.look()).toBe(part.right)
    expect(isOurs(await readFile(own.path, 'utf8'))).toBe(true)
    await writeFile(own.path, withOriginal(resolverText(['10.99.0.1']), 'nameserver 172.20.0.1\n'))
    await restoreDns(known, 'pont1')
    expect(await readFile(own.path, 'utf8')).toBe('nameserver 172.20.0.1\n')
  })
})
