// SPDX-License-Identifier: MIT
pragma solidity 0.8.37;

import {FinalState, SignedRelease, Total} from "../interfaces/IChannelMoney.sol";

/// @notice Hashes of the state-channel library's states, rebuilt from what Pontage puts into them.
library FinalStates {
    /// @notice The id of the channel between these parties, on this chain.
    function channelIdOf(address consumer, address hub, uint48 nonce) internal view returns (bytes32 id) {
        // abi.encode(chainid, [consumer, hub], nonce), written where the free memory begins and left there.
        assembly ("memory-safe") {
            let start := mload(0x40)
            mstore(start, chainid())
            mstore(add(start, 0x20), 0x60)
            mstore(add(start, 0x40), nonce)
            mstore(add(start, 0x60), 2)
            mstore(add(start, 0x80), consumer)
            mstore(add(start, 0xa0), hub)
            id := keccak256(start, 0xc0)
        }
    }

    /// @notice The hash both parties sign. The contract at hand is the application and the asset holder, so a state
    /// is good for one deployment only; the outcome gives everything left to the consumer.
    function hash(FinalState calldata state, bytes32 channelId) internal view returns (bytes32) {
        return keccak256(
            abi.encode(
                state.turnNum,
                true,
                channelId,
                _appPartHash(state.totals, state.releases, state.challengeDuration),
                _outcomeHash(state.parties.consumer)
            )
        );
    }

    /// @dev keccak256(abi.encode(challengeDuration, this, appData)) with appData = abi.encode(totals, releasesHash).
    /// The array of totals is copied as it lies in the calldata, which is how it is encoded.
    function _appPartHash(
        Total[] calldata totals,
        SignedRelease[] calldata releases,
        uint48 challengeDuration
    ) private view returns (bytes32) {
        bytes32 releasesHash = _hashReleases(releases);
        bytes calldata list;
        assembly ("memory-safe") {
            list.offset := totals.offset
            list.length := mul(totals.length, 0x40)
        }
        bytes memory fixedPart = abi.encode(challengeDuration, address(this), 0x60, 0x60 + list.length);
        return keccak256(bytes.concat(fixedPart, abi.encode(0x40, releasesHash, totals.length), list));
    }

    /// @dev keccak256(abi.encode(list)) of what the releases say, without their signatures.
    function _hashReleases(SignedRelease[] calldata releases) private pure returns (bytes32) {
        bytes memory list = abi.encode(0x20, releases.length);
        for (uint256 i = 0; i < releases.length; ++i) {
            SignedRelease calldata release = releases[i];
            list = bytes.concat(list, abi.encode(release.provider, release.amount, release.upTo));
        }
        return keccak256(list);
    }

    /// @dev The outcome of one asset with one destination, word by word as the library encodes it:
    /// keccak256(abi.encode(bytes)) of [(this, (0, [(consumer, everything)]))].
    function _outcomeHash(address consumer) private view returns (bytes32) {
        uint256[16] memory words;
        words[0] = 0x20; // the bytes begin here
        words[1] = 0x1c0; // and are so long
        words[2] = 0x20; // a list of assets
        words[3] = 1;
        words[4] = 0x20;
        words[5] = uint160(address(this)); // whose holder is this contract
        words[6] = 0x40;
        words[7] = 0x100; // with an outcome so long
        words[8] = 0x20;
        words[9] = 0; // an allocation
        words[10] = 0x40;
        words[11] = 0x80; // so long
        words[12] = 0x20; // of a list of items
        words[13] = 1;
        words[14] = uint160(consumer);
        words[15] = type(uint256).max; // everything left
        return keccak256(abi.encodePacked(words));
    }
}
