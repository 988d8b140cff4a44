import { describe, expect, it } from 'vitest'
import { type RootlessMeans, rootlessSwitches, whatSpeedsRootless, whyNotRootless } from './rootless.js'

const able: RootlessMeans = {
  pasta: true,
  tun: 'open',
  refusal: undefined,
  switches: {
    'kernel.unprivileged_userns_clone': 1,
    'kernel.apparmor_restrict_unprivileged_userns': undefined,
    'user.max_user_namespaces': 90_000,
    'user.max_net_namespaces': 90_000,
    'user.max_pid_namespaces': 90_000,
    'user.max_mnt_namespaces': 90_000,
  },
  room: 4_194_304,
}
const refusal = 'Operation not permitted'
const withSwitch = (name: string, value: number): RootlessMeans => ({
  ...able,
  refusal,
  switches: { ...able.switches, [name]: value },
})

describe('what is missing for a tunnel without root', () => {
  it('is nothing where the kernel makes the namespaces, whatever its switches say', () => {
    expect(whyNotRootless(able)).toBeUndefined()
    const { switches } = withSwitch('kernel.apparmor_restrict_unprivileged_userns', 1)
    expect(whyNotRootless({ ...able, switches })).toBeUndefined()
  })

  it('is named with what makes it possible', () => {
    expect(whyNotRootless({ ...able, pasta: false })).toMatch(/Install the package passt/)
    expect(whyNotRootless({ ...able, tun: 'missing' })).toMatch(/sudo modprobe tun/)
    expect(whyNotRootless({ ...able, tun: 'closed' })).toMatch(/sudo chmod 666 \/dev\/net\/tun/)
    expect(whyNotRootless({ ...able, refusal })).toMatch(/not root: Operation not permitted\./)
  })

  it('names the one switch that is closed, and how it stands when it is open', () => {
    for (const [name, open] of Object.entries(rootlessSwitches)) {
      const said = whyNotRootless(withSwitch(name, open === 0 ? 1 : 0))
      expect(said).toContain(`${name} is ${open === 0 ? 1 : 0}.`)
      expect(said).toContain(`sudo sysctl -w ${name}=${open}.`)
    }
  })
})

it('is faster with room for packets that wait, which is said where there is little', () => {
  expect(whatSpeedsRootless(able)).toBeUndefined()
  expect(whatSpeedsRootless({ ...able, room: undefined })).toBeUndefined()
  expect(whatSpeedsRootless({ ...able, room: 212_992 })).toMatch(
    /rmem_default is 212992\. .* sudo sysctl -w net\.core\.rmem_default=4194304\.$/,
  )
})
