// SPDX-License-Identifier: MIT
pragma solidity 0.8.37;

import {ChannelStatus} from "../interfaces/IChannelMoney.sol";

/// @title Where the money of PaymentChannels is written down.
/// @dev Laid out once, for the contract that moves it and for the one that only reads it, ChannelViews.
abstract contract ChannelStorage {
    /// @dev One slot, never deleted, so that a channel id is used once. `exitFee` says that a relayer waits for one.
    struct Channel {
        uint128 balance;
        uint40 exitAt;
        uint32 openProtests;
        ChannelStatus status;
        bool exitFee;
    }

    /// @dev What a channel holds for one provider. `troubled` says that something is missing.
    struct Tab {
        uint128 drawn;
        uint64 releasedUpTo;
        uint40 protestEndsAt;
        bool troubled;
    }

    /// @dev The rare part of a tab.
    struct Trouble {
        uint128 protested;
        uint128 missingByConsumer;
        uint128 missingByHub;
    }

    /// @dev C and D of docs/protocol.md, in one slot.
    struct Account {
        uint128 credited;
        uint128 paid;
    }

    /// @dev `shortAccounts` counts accounts whose last redemption could not be paid in full.
    struct Hub {
        uint128 pool;
        uint16 feeBps;
        uint16 nextFeeBps;
        uint40 feeChangesAt;
        uint32 shortAccounts;
        bool feeSet;
    }

    /// @dev What a hub owes one provider and could not pay: on its promises, on its guarantees. Both may speak of the
    /// same micro-promises, so the debt is the larger, never the sum.
    struct Shortfall {
        uint256 redeeming;
        uint256 guaranteed;
        uint256 debt;
    }

    struct Withdrawal {
        uint128 amount;
        uint64 withdrawableAt;
    }

    /// @dev One slot: a fee is never more than a channel holds, and no token has 2^96 units in one channel.
    struct ExitFee {
        address relayer;
        uint96 amount;
    }

    /// @dev What could not be paid out, and how often its owner has collected: each signed collection is good once.
    struct Kept {
        uint128 amount;
        uint64 nonce;
    }

    mapping(bytes32 channelId => Channel) internal _channels;
    mapping(bytes32 channelId => mapping(address provider => Tab)) internal _tabs;
    mapping(bytes32 channelId => mapping(address provider => Trouble)) internal _troubles;
    mapping(bytes32 channelId => ExitFee) internal _exitFees;
    mapping(address hub => mapping(address provider => Account)) internal _accounts;
    mapping(address hub => mapping(address provider => Shortfall)) internal _shortfalls;
    mapping(address hub => Hub) internal _hubs;
    mapping(address hub => Withdrawal) internal _withdrawals;
    mapping(address owner => Kept) internal _withheld;

    /// @dev The fee in force, in 1/10,000. An announced one comes by itself.
    function _feeOf(Hub storage hub, uint16 defaultFee) internal view returns (uint16) {
        if (hub.feeChangesAt > 0 && block.timestamp >= hub.feeChangesAt) return hub.nextFeeBps;
        return hub.feeSet ? hub.feeBps : defaultFee;
    }

    /// @dev What is missing on one claim, whoever failed, and what of it the hub has advanced already, so that nobody has
    /// to bring that.
    function _missingOf(bytes32 channelId, address hub, address provider)
        internal
        view
        returns (uint256 missing, uint256 free)
    {
        Trouble storage trouble = _troubles[channelId][provider];
        (uint256 byConsumer, uint256 byHub) = (trouble.missingByConsumer, trouble.missingByHub);
        missing = byConsumer > byHub ? byConsumer : byHub;
        if (byConsumer > 0) return (missing, 0);
        Account memory account = _accounts[hub][provider];
        if (account.paid > account.credited) free = account.paid - account.credited;
        if (free > missing) free = missing;
    }

    /// @dev What a hub asked to take out and may still take: a request lapses one delay after it came due.
    function _pendingWithdrawal(address hub, uint64 delay) internal view returns (Withdrawal memory pending) {
        pending = _withdrawals[hub];
        if (block.timestamp > pending.withdrawableAt + delay) return Withdrawal(0, 0);
    }
}
