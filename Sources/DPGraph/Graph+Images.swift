extension Graph {
    /// Returns the images to store rounded to the precision of the products: feature maps and their gradients
    /// `[batch, height, width, channel]`, which account for most of the memory that an image network reads and
    /// writes.
    ///
    /// A value that only ReLU reads is not rounded, and neither is its first summand if nothing else reads it. A
    /// normalization, the sum with a shortcut and ReLU are therefore rounded only once.
    func storedImages() -> Set<Value> {
        var readers: [Value: Int] = [:]
        for value in nodes.flatMap(\.inputs) + outputs.map(\.value) + gradients.map(\.value) {
            readers[value, default: 0] += 1
        }
        var stored = Set<Value>()
        for (index, node) in nodes.enumerated() where isImage(node, stored) { stored.insert(Value(node: index)) }
        var passedOn = Set<Value>()
        for node in nodes where node.operation == .relu {
            let sum = node.inputs[0]
            guard readers[sum] == 1 else { continue }
            passedOn.insert(sum)
            guard nodes[sum.node].operation == .add else { continue }
            let first = nodes[sum.node].inputs[0]
            if readers[first] == 1 { passedOn.insert(first) }
        }
        return stored.subtracting(passedOn)
    }

    /// Returns whether a node produces an image; a sum is an image if its operands are.
    private func isImage(_ node: Node, _ images: Set<Value>) -> Bool {
        guard node.results[0].shape.rank == 4 else { return false }
        return switch node.operation {
        case .convolution2D, .convolution2DInputGradient, .relu, .reluGradient, .maxPooling2D, .maxPooling2DGradient,
            .spatialSoftmaxGradient, .reshape:
            true
        case .add: node.inputs.allSatisfy(images.contains)
        default: false
        }
    }
}
