// SPDX-License-Identifier: MIT
pragma solidity 0.8.37;

import {ChannelSettings, ChannelStatus, Parties} from "./IChannelMoney.sol";

/// @notice A channel as it is stored.
/// @param exitAt When its consumer may take the rest; zero while no exit was requested.
/// @param openProtests How many protests wait for their window to end.
struct ChannelView {
    ChannelStatus status;
    uint128 balance;
    uint64 exitAt;
    uint32 openProtests;
}

/// @notice What a channel holds for one provider.
/// @param drawn Total ever drawn for it out of this channel, or filled from elsewhere.
/// @param releasedUpTo Guarantees that expire up to then are given up; zero when none was.
/// @param protested The promise protested, zero when no protest is open.
/// @param protestEndsAt When the protest may be settled.
/// @param missingByConsumer What a settled protest lacked, less what came since.
/// @param missingByHub What a guaranteed draw lacked, less what came since.
struct TabView {
    uint128 drawn;
    uint64 releasedUpTo;
    uint128 protested;
    uint64 protestEndsAt;
    uint128 missingByConsumer;
    uint128 missingByHub;
}

/// @notice An account of a provider with a hub.
/// @param credited C: total drawn for it through this hub, net of fee.
/// @param paid D: total ever paid out to it.
/// @param missing What redemptions lacked, less what came since.
/// @param guaranteedMissing What guaranteed draws lacked, over all channels, less what came since.
struct AccountView {
    uint128 credited;
    uint128 paid;
    uint256 missing;
    uint256 guaranteedMissing;
}

/// @notice A hub's liquidity and terms.
/// @param pool Its liquidity, what is pending included.
/// @param pendingWithdrawal What it asked to take out; payable to creditors until it is taken.
/// @param withdrawableAt When it may; zero when nothing is pending.
/// @param feeBps Fee in force now, in 1/10,000.
/// @param announcedFeeBps Fee that comes at `feeChangesAt`; the same as `feeBps` when none is announced.
/// @param stake Its stake, unbonding included.
struct HubView {
    uint128 pool;
    uint128 pendingWithdrawal;
    uint64 withdrawableAt;
    uint16 feeBps;
    uint16 announcedFeeBps;
    uint64 feeChangesAt;
    uint128 stake;
    uint32 faults;
    uint256 debt;
}

/// @title Channels, hub pools, and accounts between hubs and providers: what can be read.
interface IChannelViews {
    /// @notice The id of a channel: that of the state-channel library for the same parties.
    function channelIdOf(Parties calldata parties) external view returns (bytes32);

    /// @notice A channel as it is stored; all zero when it was never opened.
    function channelOf(bytes32 channelId) external view returns (ChannelView memory);

    /// @notice What one channel holds for one provider.
    function tabOf(bytes32 channelId, address provider) external view returns (TabView memory);

    /// @notice Many tabs of one channel.
    function tabsOf(bytes32 channelId, address[] calldata providers) external view returns (TabView[] memory);

    /// @notice What a hub and a provider have settled, and what is missing between them.
    function accountOf(address hub, address provider) external view returns (AccountView memory);

    /// @notice Many accounts of one hub.
    function accountsOf(address hub, address[] calldata providers)
        external
        view
        returns (AccountView[] memory);

    /// @notice A hub's liquidity, terms and standing.
    function hubOf(address hub) external view returns (HubView memory);

    /// @notice The most that repaying takes now for what one promise lacks; zero when nothing is missing.
    function repayable(Parties calldata parties, address provider) external view returns (uint256);

    /// @notice Fee in force now, in 1/10,000.
    function feeOf(address hub) external view returns (uint16);

    /// @notice What the token refused to pay this owner: see `collectWithheld`.
    /// @return amount What is kept for it.
    /// @return nonce The one that the next signed collection must carry.
    function withheldOf(address owner) external view returns (uint256 amount, uint256 nonce);

    /// @notice The delays and limits this contract was deployed with.
    function settings() external view returns (ChannelSettings memory);

    /// @notice The ERC-20 of this deployment.
    function token() external view returns (address);

    /// @notice The IdentityRegistry of this deployment.
    function registry() external view returns (address);
}
