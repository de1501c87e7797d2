import DPGraph
import DPNetworks
import TestSupport
import Testing

@Suite("Image encoder against LeRobot")
struct RGBEncoderGoldenTests {
    @Test("names and shapes of parameters match LeRobot", arguments: try RGBEncoderGolden.cases())
    func parameters(golden: RGBEncoderGolden) throws {
        let encoder = try RGBEncoder(golden.configuration)
        let shapes = Dictionary(uniqueKeysWithValues: encoder.parameters.map { ($0.name, $0.shape.dimensions) })
        for (name, gradient) in golden.gradients ?? [:] { #expect(shapes[name] == gradient.shape, "\(name)") }
        if let gradients = golden.gradients { #expect(shapes.count == gradients.count) }
        #expect(encoder.buffers == ["pool.pos_grid"])
    }

    @Test(
        "feature map, keypoints, output, loss, and gradients match LeRobot", arguments: try RGBEncoderGolden.cases(),
        TestedBackend.allCases)
    func numbers(golden: RGBEncoderGolden, tested: TestedBackend) throws {
        let machine = try RGBEncoderMachine(golden, on: tested.makeBackend())
        try machine.run()

        let map = machine.read("map", count: machine.featureMap.count)
        let shape = golden.featureMapShape
        #expect(machine.featureMap.dimensions == [shape[0], shape[2], shape[3], shape[1]])
        let l2 = map.reduce(0) { $0 + Double($1) * Double($1) }.squareRoot()
        #expect(abs(l2 - golden.featureMapL2) <= 2e-4 * golden.featureMapL2)
        // PyTorch stores all pixels of a channel before the next channel.
        let first = golden.featureMapFirst.indices.map { index in
            map[index % (shape[2] * shape[3]) * shape[1] + index / (shape[2] * shape[3])]
        }
        expectClose(first, golden.featureMapFirst, "feature map")
        expectClose(machine.read("keypoints", count: golden.spatialSoftmax.count), golden.spatialSoftmax, "keypoints")
        expectClose(machine.read("output", count: golden.output.count), golden.output, "output")
        if let loss = golden.loss { #expect(abs(machine.read("loss", count: 1)[0] - loss) <= 2e-4 * loss) }
        if let expected = golden.gradients { try compare(machine, with: expected) }
    }

    /// Compares every gradient.
    ///
    /// Rounding can decide on which side of zero a value before a ReLU is and which pixel of a pooling window is
    /// the largest. Every gradient before such a decision changes in a step, however small the rounding. The test
    /// finds the gradients that depend on rounding by perturbing the inputs.
    private func compare(_ machine: RGBEncoderMachine, with expected: [String: GradientGolden]) throws {
        let found = machine.gradients
        let roundings = try RGBEncoderMachine(machine.golden, on: TestedBackend.cpu.makeBackend())
        let nearby = try (0..<16).map { draw in
            try roundings.run(moved: draw)
            return roundings.gradients
        }
        for (index, range) in machine.table.ranges.enumerated() {
            let difference = expected[range.name]?.difference(from: found[index], nearby: nearby.map { $0[index] })
            #expect(difference == nil, "\(range.name): \(difference ?? "")")
        }
    }

    private func expectClose(_ found: [Float], _ expected: [Float], _ what: String) {
        let largest = expected.reduce(0) { max($0, abs($1)) }
        let difference = zip(found, expected).reduce(0) { max($0, abs($1.0 - $1.1)) }
        #expect(found.count == expected.count && difference <= 2e-4 * largest, "\(what): off by \(difference)")
        #expect(found.allSatisfy { $0.isFinite })
    }
}

@Suite("Image encoder")
struct RGBEncoderTests {
    @Test("the size of the feature map follows from the size of the image", arguments: [(1, 1), (33, 20), (64, 96)])
    func sizes(height: Int, width: Int) throws {
        let encoder = try RGBEncoder(
            RGBEncoder.Configuration(height: height, width: width, keypoints: 3), name: "camera")
        let builder = GraphBuilder(parameters: ParameterTable(encoder.parameters))
        let images = builder.input("image", [2, height, width, 3])
        #expect(encoder.featureMap(images).shape == [2, (height + 31) / 32, (width + 31) / 32, 512])
        #expect(encoder(images).shape == [2, 6])
        #expect(encoder.parameters.allSatisfy { $0.name.hasPrefix("camera.") })
        #expect(encoder.buffers == ["camera.pool.pos_grid"])
    }

    @Test("invalid sizes are rejected", arguments: [(0, 8, 4), (8, 0, 4), (8, 8, 0), (1 << 40, 8, 4)])
    func refusals(height: Int, width: Int, keypoints: Int) {
        #expect(throws: (any Error).self) {
            try RGBEncoder(RGBEncoder.Configuration(height: height, width: width, keypoints: keypoints))
        }
    }
}
