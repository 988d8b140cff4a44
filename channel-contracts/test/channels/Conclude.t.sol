// SPDX-License-Identifier: MIT
pragma solidity 0.8.37;

import {IChannelMoney} from "../../src/interfaces/IChannelMoney.sol";
import {
    ChannelStatus,
    FinalState,
    Parties,
    SignedRelease,
    Total
} from "../../src/interfaces/IPaymentChannels.sol";
import {World} from "../World.sol";

contract ConcludeTest is World {
    Parties private parties;

    function setUp() public override {
        super.setUp();
        parties = _open(1, 100 * WHOLE);
    }

    function test_both_parties_close_at_once() public {
        uint256 before = token.balanceOf(consumer);
        FinalState memory state = _finalWith(parties, provider, 40 * WHOLE, uint64(START) + 3_600);
        bytes32 id = _id(parties);
        vm.expectEmit();
        emit IChannelMoney.GuaranteesReleased(id, provider, 40 * WHOLE, uint64(START) + 3_600);
        vm.expectEmit();
        emit IChannelMoney.ChannelConcluded(id, 60 * WHOLE);
        assertEq(_conclude(state), 60 * WHOLE, "returned");
        assertEq(token.balanceOf(consumer) - before, 60 * WHOLE, "received");
        assertEq(_tab(parties, provider).drawn, 40 * WHOLE, "drawn");
        assertEq(channels.accountOf(hub, provider).credited, 392 * WHOLE / 10, "C");
        assertTrue(channels.channelOf(id).status == ChannelStatus.Closed, "closed");
        _assertConserved();
    }

    /// @notice Draws and deposits after the signing do no harm: totals are totals.
    function testFuzz_whatever_was_drawn_or_added_in_between(uint128 total_, uint128 drawn_, uint128 added_)
        public
    {
        uint256 total = bound(total_, 1, 100 * WHOLE);
        uint256 drawn = bound(drawn_, 1, 100 * WHOLE);
        uint256 added = bound(added_, 1, 50 * WHOLE);
        FinalState memory state = _finalWith(parties, provider, total, uint64(START));
        _drawByHub(parties, provider, drawn);
        vm.prank(relayer);
        channels.deposit(parties, added);
        uint256 most = total > drawn ? total : drawn;
        assertEq(_conclude(state), 100 * WHOLE + added - most, "returned");
        assertEq(_tab(parties, provider).drawn, most, "drawn once");
        _assertConserved();
    }

    function test_all_totals_or_nothing() public {
        FinalState memory state = _final(parties);
        state.totals = new Total[](2);
        state.totals[0] = Total(provider, 60 * WHOLE);
        state.totals[1] = Total(relayer, 41 * WHOLE);
        vm.expectRevert(
            abi.encodeWithSelector(
                IChannelMoney.CollateralMissing.selector, _id(parties), relayer, 41 * WHOLE, 40 * WHOLE
            )
        );
        this.conclude(state);
        state.totals[1].amount = 40 * WHOLE;
        assertEq(_conclude(state), 0, "nothing left");
    }

    function conclude(FinalState calldata state) external returns (uint256) {
        return _conclude(state);
    }

    function test_a_release_needs_its_amount() public {
        FinalState memory state = _finalWith(parties, provider, 40 * WHOLE, 0);
        state.releases = new SignedRelease[](1);
        state.releases[0] = _signRelease(parties, provider, 40 * WHOLE + 1, uint64(START));
        vm.expectRevert(
            abi.encodeWithSelector(
                IChannelMoney.ReleaseUnpaid.selector, _id(parties), provider, 40 * WHOLE + 1, 40 * WHOLE
            )
        );
        this.conclude(state);
    }

    function test_a_release_is_its_providers_own() public {
        FinalState memory state = _finalWith(parties, provider, 40 * WHOLE, uint64(START));
        state.releases[0].signature = _signRelease(parties, consumer, 40 * WHOLE, uint64(START)).signature;
        vm.expectRevert(abi.encodeWithSelector(IChannelMoney.WrongSigner.selector, provider));
        this.conclude(state);
        // A release of another channel is none of this one.
        state.releases[0] = _signRelease(_parties(2), provider, 40 * WHOLE, uint64(START));
        vm.expectRevert(abi.encodeWithSelector(IChannelMoney.WrongSigner.selector, provider));
        this.conclude(state);
    }

    function test_both_must_sign() public {
        FinalState memory state = _final(parties);
        bytes32 digest = _stateDigest(state, address(channels));
        bytes memory byConsumer = _sign(consumerKey, digest);
        bytes memory byHub = _sign(hubKey, digest);
        vm.expectRevert(abi.encodeWithSelector(IChannelMoney.WrongSigner.selector, consumer));
        channels.conclude(state, byHub, byHub);
        vm.expectRevert(abi.encodeWithSelector(IChannelMoney.WrongSigner.selector, hub));
        channels.conclude(state, byConsumer, byConsumer);
        channels.conclude(state, byConsumer, byHub);
        vm.expectRevert(abi.encodeWithSelector(IChannelMoney.ChannelNotOpen.selector, _id(parties)));
        channels.conclude(state, byConsumer, byHub);
    }

    function test_open_protests_must_be_covered() public {
        _protest(parties, provider, 30 * WHOLE);
        FinalState memory less = _finalWith(parties, provider, 29 * WHOLE, 0);
        vm.expectRevert(abi.encodeWithSelector(IChannelMoney.ProtestsOpen.selector, _id(parties), uint32(1)));
        this.conclude(less);
        assertEq(_conclude(_finalWith(parties, provider, 30 * WHOLE, 0)), 70 * WHOLE, "returned");
    }

    function test_concluding_during_an_exit_pays_its_relayer() public {
        bytes memory signature = _signExit(parties, 2 * WHOLE, uint64(START));
        vm.prank(relayer);
        channels.requestExitFor(parties, 2 * WHOLE, uint64(START), signature);
        uint256 before = token.balanceOf(relayer);
        assertEq(_conclude(_final(parties)), 98 * WHOLE, "returned");
        assertEq(token.balanceOf(relayer) - before, 2 * WHOLE, "fee");
        _assertConserved();
    }

    function test_the_same_provider_twice_gets_the_larger_total() public {
        FinalState memory state = _final(parties);
        state.totals = new Total[](3);
        state.totals[0] = Total(provider, 10 * WHOLE);
        state.totals[1] = Total(provider, 30 * WHOLE);
        state.totals[2] = Total(provider, 20 * WHOLE);
        assertEq(_conclude(state), 70 * WHOLE, "returned");
    }

    function test_an_earlier_release_does_not_shorten_a_later_one() public {
        FinalState memory state = _finalWith(parties, provider, WHOLE, uint64(START) + 100);
        SignedRelease[] memory releases = new SignedRelease[](2);
        releases[0] = state.releases[0];
        releases[1] = _signRelease(parties, provider, WHOLE, uint64(START) + 50);
        state.releases = releases;
        _conclude(state);
        assertEq(_tab(parties, provider).releasedUpTo, START + 100, "the later");
    }
}
