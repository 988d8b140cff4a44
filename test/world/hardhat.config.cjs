/** Hardhat's node: an implementation of the EVM that shares no code with anvil's. A block at once, and one each second. */
module.exports = {
  solidity: { compilers: [] },
  networks: {
    hardhat: {
      chainId: 31_337,
      hardfork: 'prague',
      mining: { auto: true, interval: 1_000 },
      loggingEnabled: false,
    },
  },
}
