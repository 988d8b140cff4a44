// SPDX-License-Identifier: MIT
pragma solidity 0.8.37;

import {IChannelMoney} from "../../src/interfaces/IChannelMoney.sol";
import {ChannelStatus, Parties} from "../../src/interfaces/IPaymentChannels.sol";
import {World} from "../World.sol";

contract ExitTest is World {
    Parties private parties;
    address[] private none;

    function setUp() public override {
        super.setUp();
        parties = _open(1, 100 * WHOLE);
    }

    function _request() private {
        vm.prank(consumer);
        channels.requestExit(hub, 1);
    }

    function test_the_rest_comes_back_after_the_delay() public {
        bytes32 id = _id(parties);
        vm.expectEmit();
        emit IChannelMoney.ExitRequested(id, uint64(START) + EXIT_DELAY, address(0), 0);
        _request();
        vm.warp(START + EXIT_DELAY - 1);
        vm.expectRevert(
            abi.encodeWithSelector(
                IChannelMoney.ExitTooEarly.selector, id, uint64(START) + EXIT_DELAY, block.timestamp
            )
        );
        channels.exit(parties, none);
        _drawByHub(parties, provider, 10 * WHOLE);
        vm.warp(START + EXIT_DELAY);
        uint256 before = token.balanceOf(consumer);
        vm.expectEmit();
        emit IChannelMoney.ChannelExited(id, 90 * WHOLE);
        vm.prank(relayer);
        assertEq(channels.exit(parties, none), 90 * WHOLE, "returned");
        assertEq(token.balanceOf(consumer) - before, 90 * WHOLE, "to the consumer, whoever calls");
        assertTrue(channels.channelOf(id).status == ChannelStatus.Closed, "closed");
        assertEq(channels.channelOf(id).balance, 0, "empty");
        vm.expectRevert(abi.encodeWithSelector(IChannelMoney.ChannelNotOpen.selector, id));
        channels.exit(parties, none);
        _assertConserved();
    }

    function test_an_exit_begins_once() public {
        _request();
        vm.warp(START + 100);
        bytes32 id = _id(parties);
        vm.expectRevert(
            abi.encodeWithSelector(
                IChannelMoney.ExitAlreadyRequested.selector, id, uint64(START) + EXIT_DELAY
            )
        );
        vm.prank(consumer);
        channels.requestExit(hub, 1);
        vm.expectRevert(
            abi.encodeWithSelector(IChannelMoney.ChannelNotOpen.selector, _id(Parties(relayer, hub, 1)))
        );
        vm.prank(relayer);
        channels.requestExit(hub, 1);
    }

    function test_no_exit_without_a_request() public {
        vm.expectRevert(abi.encodeWithSelector(IChannelMoney.ExitNotRequested.selector, _id(parties)));
        channels.exit(parties, none);
    }

    function test_open_protests_are_settled_first() public {
        _protest(parties, provider, 30 * WHOLE);
        _protest(parties, relayer, 20 * WHOLE);
        knownProviders.push(relayer);
        _request();
        vm.warp(START + EXIT_DELAY);
        address[] memory protesters = new address[](1);
        protesters[0] = provider;
        vm.expectRevert(abi.encodeWithSelector(IChannelMoney.ProtestsOpen.selector, _id(parties), uint32(1)));
        channels.exit(parties, protesters);
        protesters = new address[](2);
        (protesters[0], protesters[1]) = (relayer, provider);
        assertEq(channels.exit(parties, protesters), 50 * WHOLE, "returned");
        assertEq(_tab(parties, provider).drawn, 30 * WHOLE, "one");
        assertEq(_tab(parties, relayer).drawn, 20 * WHOLE, "other");
        _assertConserved();
    }

    // ---------------------------------------------------------------- relayed

    function test_relayed_and_paid_out_of_the_rest() public {
        bytes memory signature = _signExit(parties, 3 * WHOLE, uint64(START) + 60);
        vm.prank(relayer);
        channels.requestExitFor(parties, 3 * WHOLE, uint64(START) + 60, signature);
        assertEq(_balance(parties), 100 * WHOLE, "nothing is taken before providers had their turn");
        vm.warp(START + EXIT_DELAY);
        uint256 before = token.balanceOf(relayer);
        assertEq(channels.exit(parties, none), 97 * WHOLE, "returned");
        assertEq(token.balanceOf(relayer) - before, 3 * WHOLE, "the relayer's fee");
        _assertConserved();
        uint64 deadline = uint64(block.timestamp);
        signature = _signExit(parties, 3 * WHOLE, deadline);
        vm.expectRevert(abi.encodeWithSelector(IChannelMoney.ChannelNotOpen.selector, _id(parties)));
        channels.requestExitFor(parties, 3 * WHOLE, deadline, signature);
    }

    /// @notice A fee can never be paid out of what a provider is owed.
    function testFuzz_a_relayers_fee_comes_last(uint128 fee_, uint128 drawn_) public {
        uint256 fee = bound(fee_, 1, type(uint96).max);
        uint256 drawn = bound(drawn_, 1, 100 * WHOLE);
        bytes memory signature = _signExit(parties, fee, uint64(START));
        vm.prank(relayer);
        channels.requestExitFor(parties, fee, uint64(START), signature);
        vm.warp(START + EXIT_DELAY - 1);
        assertEq(_drawByHub(parties, provider, drawn), drawn, "drawn in full");
        vm.warp(START + EXIT_DELAY);
        uint256 before = token.balanceOf(relayer);
        uint256 returned = channels.exit(parties, none);
        uint256 rest = 100 * WHOLE - drawn;
        assertEq(token.balanceOf(relayer) - before, fee < rest ? fee : rest, "fee");
        assertEq(returned, rest - (fee < rest ? fee : rest), "returned");
        _assertConserved();
    }

    function test_relayed_without_a_fee() public {
        channels.requestExitFor(parties, 0, uint64(START), _signExit(parties, 0, uint64(START)));
        vm.warp(START + EXIT_DELAY);
        assertEq(channels.exit(parties, none), 100 * WHOLE, "returned");
    }

    function test_relayed_request_expires_and_binds() public {
        bytes memory signature = _signExit(parties, WHOLE, uint64(START));
        vm.expectRevert(abi.encodeWithSelector(IChannelMoney.WrongSigner.selector, consumer));
        channels.requestExitFor(parties, WHOLE + 1, uint64(START), signature);
        vm.expectRevert(abi.encodeWithSelector(IChannelMoney.WrongSigner.selector, consumer));
        channels.requestExitFor(parties, WHOLE, uint64(START) + 1, signature);
        vm.warp(START + 1);
        vm.expectRevert(
            abi.encodeWithSelector(IChannelMoney.SignatureExpired.selector, uint64(START), block.timestamp)
        );
        channels.requestExitFor(parties, WHOLE, uint64(START), signature);
    }
}
