import assert from 'node:assert/strict'
import { spawnSync } from 'node:child_process'
import { chownSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, describe, it } from 'node:test'
import { version } from '../repository.mjs'
import { roles } from '../roles.mjs'

/**
 * Tests an image as an engine takes it: unpacked by umoci, and run by runc without an engine.
 *
 * @param {'hub' | 'provider'} role
 * @param {() => string} pathOf - Its archive, once that is made.
 */
export function testImage(role, pathOf) {
  describe(`the image of the ${role}`, () => {
    const { program } = roles[role]
    const folder = mkdtempSync(join(tmpdir(), 'pontage-image-'))
    const [layout, bundle, volume] = ['layout', 'bundle', 'volume'].map((name) => join(folder, name))
    const home = `/var/lib/${program}`
    let count = 0
    after(() => rmSync(folder, { recursive: true, force: true }))

    function must(...[command, ...words]) {
      const { status, stdout, stderr } = spawnSync(command, words, { encoding: 'utf8' })
      assert.equal(status, 0, `${command} ${words.join(' ')}: ${stdout}${stderr}`)
    }

    /** Runs the program with other words than the image has. */
    function run(...words) {
      const path = join(bundle, 'config.json')
      const config = JSON.parse(readFileSync(path, 'utf8'))
      config.process = { ...config.process, terminal: false, args: [`/usr/bin/${program}`, ...words] }
      const others = config.mounts.filter(({ destination }) => destination !== home)
      config.mounts = [
        ...others,
        { destination: home, type: 'bind', source: volume, options: ['rbind', 'rw'] },
      ]
      chownSync(volume, config.process.user.uid, config.process.user.gid)
      // Limits are for engines: here nobody set up what they need.
      delete config.linux.resources
      writeFileSync(path, JSON.stringify(config))
      const name = `pontage-${role}-${process.pid}-${count++}`
      const result = spawnSync('runc', ['run', '--bundle', bundle, name], { encoding: 'utf8' })
      return { code: result.status, said: `${result.stdout}${result.stderr}` }
    }

    it('is one that umoci unpacks', () => {
      mkdirSync(layout)
      mkdirSync(volume)
      must('tar', '--extract', '--file', pathOf(), '--directory', layout)
      must('umoci', 'unpack', '--image', `${layout}:${program}:${version}`, bundle)
    })

    it('runs its program, which keeps its key in the volume', () => {
      assert.deepEqual(run('--version'), { code: 0, said: `${version}\n` })
      writeFileSync(join(volume, 'word'), 'secret', { mode: 0o644 })
      const made = run('init', '--password-file', 'word', '--json')
      assert.equal(made.code, 0, made.said)
      assert.match(readFileSync(join(volume, 'keystore.json'), 'utf8'), /"address"/)
      const checks = run('doctor')
      assert.equal(checks.code, 1, checks.said)
      assert.doesNotMatch(checks.said, /\n\s+at /, 'a stack')
    })
  })
}
